#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/base/result.hpp"
#include "api/spec.hpp"
#include "operator/ports/redis.hpp"

namespace rop::config {

/// Makes of the `auth` and `tls` blocks of specs what is needed to get in. A file is read anew only
/// when its time or size has changed, so asking at every round costs one stat. Neither: null,
/// without an error. Errors (rejected) name the reference and what to do, never the secret.
///
/// Whoever may write specs decides where a password is sent. So what the operator itself proves
/// itself with is never one: variables that begin with CONSUL_, NOMAD_, VAULT_, AWS_ or
/// REDIS_OPERATOR_, the files that such variables name, the `own_files`, and what is under /proc
/// and /sys.
class SecretReader {
  public:
    explicit SecretReader(std::map<std::string, std::string> environment,
                          std::vector<std::string> own_files = {});
    ~SecretReader();
    SecretReader(SecretReader&&) noexcept;
    SecretReader& operator=(SecretReader&&) noexcept;

    /// `fetched` is what Consul or Nomad keeps, for a spec that refers to it; else null. The same
    /// pointer as long as nothing changed. After a change it also holds the former password, for
    /// servers that were not told the new one yet.
    [[nodiscard]] Result<ports::AccessPtr> access(const ClusterSpec& spec,
                                                  const Result<std::string>* fetched = nullptr);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rop::config
