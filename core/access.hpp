// Who may ask: by the name that the server is called, the page that makes a browser ask, and the token.
#pragma once

#include <optional>

#include "core/http_parser.hpp"
#include "core/options.hpp"
#include "core/target.hpp"

namespace comet::core {

// Why the sender of this request is refused; nullopt if it is not. The head of the request is enough to know.
std::optional<Refusal> refuse_sender(const HttpRequest& request, const Target& target,
                                     const Options& options);

}  // namespace comet::core
