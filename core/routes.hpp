// Which endpoint a complete request is for, and what it asks.
#pragma once

#include <optional>
#include <string_view>

#include "core/decision.hpp"
#include "core/http_parser.hpp"
#include "core/service.hpp"
#include "core/target.hpp"

namespace comet::core {

// 1 to 64 of A-Za-z0-9._-
bool is_channel_name(std::string_view name);

// `target` is the request's, nullopt if it is malformed.
Decision route(HttpRequest&& request, const std::optional<Target>& target, const Service& service);

}  // namespace comet::core
