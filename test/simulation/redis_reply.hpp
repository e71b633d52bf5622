#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "operator/ports/redis.hpp"

namespace rop::simulation {

[[nodiscard]] ports::Reply status(std::string text);
[[nodiscard]] ports::Reply error(std::string text);
[[nodiscard]] ports::Reply text(std::string text);
[[nodiscard]] ports::Reply integer(std::int64_t value);
[[nodiscard]] ports::Reply nil();
[[nodiscard]] ports::Reply array();

[[nodiscard]] std::string lower(std::string_view text);
/// `low` is lower case; `text` may be of any.
[[nodiscard]] bool same(std::string_view text, std::string_view low);
/// The whole text as a decimal number; false: it is none.
[[nodiscard]] bool number(std::string_view text, std::int64_t& value);

/// Of a command that Redis does not know, or that has too few or too many words: how it says so.
[[nodiscard]] std::optional<ports::Reply> refuse_words(const ports::Words& words);

/// "+OK", "-ERR ...", ":3", "$text", "nil", "[...]": one line for traces.
[[nodiscard]] std::string shown(const ports::Reply& reply);
[[nodiscard]] std::string shown(const ports::Words& words);

}  // namespace rop::simulation
