#pragma once

#include <string_view>

namespace rop {

/// Of a Consul key, or the path of a Nomad variable:
/// false for what servers in Go clean up and answer with a redirect to another path: empty,
/// "." or ".." as a segment, a leading slash. A trailing slash is fine.
[[nodiscard]] bool is_clean_path(std::string_view path);

}  // namespace rop
