// Answers that count themselves.
#include "core/service.hpp"

#include <new>

namespace comet::core {

Response Service::unavailable(std::string_view why, ReplyForm form) const {
  return unavailable_response(why, form, counters->rejected.fetch_add(1, std::memory_order_relaxed), held());
}

Response Service::refuse(Refusal refusal, ReplyForm form) const {
  if (refusal.status == 503) return unavailable(refusal.text, form);
  return error_response(refusal.status, refusal.text, form);
}

// Retry-After is spread by the number held when the drain began; until that is known, by the number held now.
Response Service::shutting_down(ReplyForm form) const {
  form.keep_alive = false;
  const std::uint64_t at_drain = counters->held_at_drain;
  return unavailable_response("the server is shutting down", form,
                              counters->rejected.fetch_add(1, std::memory_order_relaxed),
                              at_drain > 0 ? at_drain : held());
}

Response Service::message(const Message& message, ReplyForm form) const {
  try {
    return message_response(message, form);
  } catch (const std::bad_alloc&) {
    form.keep_alive = false;
    return unavailable("no memory for this message", form);
  }
}

}  // namespace comet::core
