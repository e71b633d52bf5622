#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/base/result.hpp"
#include "api/spec.hpp"
#include "operator/ports/redis.hpp"

namespace rop::config {

/// Reads the secrets behind `auth` blocks. A file is read anew only when its time or size has
/// changed, so asking at every round costs one stat. No auth: null, without an error. Errors
/// (rejected) name the reference and what to do, never the secret.
class SecretReader {
  public:
    explicit SecretReader(std::map<std::string, std::string> environment);
    ~SecretReader();
    SecretReader(SecretReader&&) noexcept;
    SecretReader& operator=(SecretReader&&) noexcept;

    /// The same pointer as long as nothing changed.
    [[nodiscard]] Result<std::shared_ptr<const ports::Access>> access(const ClusterSpec& spec);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rop::config
