// Which endpoint a complete request is for, and what it asks.
#pragma once

#include <optional>

#include "core/decision.hpp"
#include "core/http_parser.hpp"
#include "core/service.hpp"

namespace comet::core {

Decision route(HttpRequest&& request, const Service& service);

// Why this client may not publish, where the request is a publish; its head is enough to know.
std::optional<Refusal> refuse_publisher(const HttpRequest& request, const Options& options);

}  // namespace comet::core
