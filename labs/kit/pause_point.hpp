// Places at which a test can stop a thread of the server, so that a race has the same winner every time.
#pragma once

namespace kit {

// In the teaching build (COMET_LAB_PAUSES) of a server that a test has started with LAB_PAUSE_SOCKET: asks
// the test, and waits if the test wants this thread to stop here. Otherwise it does nothing.
#ifdef COMET_LAB_PAUSES
void pause_point(const char* name);
#else
inline void pause_point(const char*) {}
#endif

}  // namespace kit
