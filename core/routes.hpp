// Which endpoint a complete request is for, and what it asks.
#pragma once

#include <optional>

#include "core/decision.hpp"
#include "core/http_parser.hpp"
#include "core/service.hpp"
#include "core/target.hpp"

namespace comet::core {

// `target` is the request's, nullopt if it is malformed.
Decision route(HttpRequest&& request, const std::optional<Target>& target, const Service& service);

}  // namespace comet::core
