#pragma once

#include <string>
#include <vector>

#include "api/plan.hpp"
#include "api/snapshot.hpp"

namespace rop::commands {

/// What a leader would do after `first`, as far as that can be told without doing it: what a plan
/// writes into the record is pretended to be written. Ends with the first plan that does something
/// to Redis or Nomad, or nothing at all: what follows depends on their answers. Pure.
[[nodiscard]] std::vector<Plan> plans_after(const Snapshot& seen, const Plan& first);

/// "Then, once that is written:" and a plan, one after the other.
[[nodiscard]] std::string in_words(const std::vector<Plan>& plans);

}  // namespace rop::commands
