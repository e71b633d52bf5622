#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/snapshot.hpp"
#include "test/support/drawing.hpp"

namespace rop::testing {

/// The snapshot without its instances: who we are, spec, record, views, Nomad's group.
[[nodiscard]] Snapshot drawn_surroundings(const Drawing& drawing);

/// The node id behind a name: its line's node=, else node_of(name). 40 hex digits are one.
[[nodiscard]] NodeId drawn_id(const Drawing& drawing, const std::string& name);

[[nodiscard]] std::chrono::milliseconds drawn_duration(const std::string& text);

/// The number behind a keyword's line.
[[nodiscard]] std::uint64_t drawn_number(const Drawing& drawing, std::string_view keyword,
                                         std::uint64_t otherwise);

}  // namespace rop::testing
