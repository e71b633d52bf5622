#pragma once

#include <string>
#include <string_view>

#include "api/base/result.hpp"
#include "api/record.hpp"

namespace rop::json {

[[nodiscard]] std::string write_record(const Record& record);

/// Fails (malformed, naming the path) on anything that write_record cannot have written, and on
/// a version newer than ours: a record that is not understood must stop us, not be guessed at.
[[nodiscard]] Result<Record> parse_record(std::string_view text);

}  // namespace rop::json
