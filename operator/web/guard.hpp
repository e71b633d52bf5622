#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/base/result.hpp"
#include "operator/web/pages.hpp"

namespace rop::web {

/// Lets in who shows the bearer token. /healthz is open to everybody: it says nothing but that the
/// process runs.
class BearerGuard {
  public:
    /// The file wins. Neither: everybody is let in.
    BearerGuard(std::string token, std::string token_file);

    [[nodiscard]] bool asks_for_token() const { return !token_.empty() || !file_.empty(); }

    /// Rejected: there is a file, and no token can be read from it. To be called before serving.
    [[nodiscard]] Result<> open();

    /// Absent: go on. The file is read anew when it has changed; while no token can be read from
    /// it, nobody is let in.
    [[nodiscard]] std::optional<Response> refusal(const Request& request);

  private:
    [[nodiscard]] Result<> read_file();
    [[nodiscard]] bool has_changed();

    std::string token_;
    std::string file_;
    std::int64_t changed_ns_ = -1;
    std::uint64_t inode_ = 0;
    std::int64_t size_ = 0;
};

/// Whether two texts are the same, in a time that tells nothing about where they differ.
[[nodiscard]] bool is_same_secret(std::string_view shown, std::string_view wanted);

}  // namespace rop::web
