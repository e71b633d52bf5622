#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rop::consul {

/// RFC 4648 with padding, as Consul's KV values travel.
[[nodiscard]] std::string base64_encode(std::string_view bytes);

/// Nothing when it is not base64: wrong characters, length or padding.
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);

}  // namespace rop::consul
