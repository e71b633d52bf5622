#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/base/result.hpp"
#include "api/spec.hpp"
#include "operator/ports/redis.hpp"

namespace rop::config {

/// Reads the secrets behind `auth` blocks. A file is read anew only when its time or size has
/// changed, so asking at every round costs one stat. No auth: null, without an error. Errors
/// (rejected) name the reference and what to do, never the secret.
///
/// Whoever may write specs decides where a password is sent. So what the operator itself proves
/// itself with is never one: variables that begin with CONSUL_, NOMAD_, VAULT_, AWS_ or
/// REDIS_OPERATOR_, the `token_files`, and what is under /proc and /sys.
class SecretReader {
  public:
    explicit SecretReader(std::map<std::string, std::string> environment,
                          std::vector<std::string> token_files = {});
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
