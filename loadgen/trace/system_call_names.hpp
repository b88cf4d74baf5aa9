// System calls by name, as far as servers use them to send, to receive, to wait and to wake.
#pragma once

#include <string>

namespace comet::loadgen {

// "sendto"; "call 321" if it is not among those.
std::string system_call_name(long number);

// Whether the call writes to, or reads from, the descriptor that is its first argument.
bool sends(const std::string& call);
bool receives(const std::string& call);

}  // namespace comet::loadgen
