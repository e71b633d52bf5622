#pragma once

#include <string>
#include <vector>

#include "test/simulation/conformance/lab.hpp"

// What of a reply counts: all that an operator reads, with what differs by nature taken out.
namespace rop::simulation {

/// As redis-server writes it.
[[nodiscard]] std::string as_resp(const ports::Reply& reply);

/// Ids, ports and keys named by their server's number; times, offsets and lengths taken out.
/// `epochs` false: who got which config epoch was decided by a race, and does not count.
[[nodiscard]] std::string plain(const Lab& lab, const ports::Words& words,
                                const std::optional<ports::Reply>& reply, bool epochs = true);

/// "CLUSTER FORGET {id2}" and the like, in the words of this lab: {idN}, {oldN} (the id of its
/// life before), {portN}, {busN}, {keyN}.
[[nodiscard]] ports::Words words_of(const Lab& lab, const std::string& line);

/// What a server is asked to show its whole state.
[[nodiscard]] const std::vector<ports::Words>& state_questions();

/// "key:value" lines that the operator reads; of the others neither presence nor value counts.
[[nodiscard]] bool is_read(const std::string& line);
[[nodiscard]] std::string sorted_lines(const std::string& text);

}  // namespace rop::simulation
