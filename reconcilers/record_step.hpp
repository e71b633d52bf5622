#pragma once

#include <string>

#include "api/plan.hpp"
#include "api/snapshot.hpp"

namespace rop::reconcilers {

/// The step that writes `record`, with our installation and our epoch in it: whoever leads next
/// goes on above that epoch, also when somebody deleted lock and epoch. `what` says what changes,
/// `why` on which grounds.
[[nodiscard]] Step write_signed(const Snapshot& seen, Record record, std::string what,
                                std::string why);

}  // namespace rop::reconcilers
