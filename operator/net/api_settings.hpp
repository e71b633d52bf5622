#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "api/base/result.hpp"
#include "operator/ports/tls.hpp"

namespace rop::net {

/// One environment variable of Consul's or Nomad's own programs, and what becomes of it here. The
/// tables of docs/reference/configuration.md list them all.
struct ApiVariable {
    std::string_view name;
    bool is_honoured;
};

using Environment = std::map<std::string, std::string>;

/// Empty when it is not set.
[[nodiscard]] std::string value_of(const Environment& environment, std::string_view name);

/// A variable that is yes or no, in the words that Go's strconv.ParseBool knows. Absent: not set.
/// Rejected: any other word. (The programs themselves take such a word for "false", which is "do
/// not verify" for one of their variables.)
[[nodiscard]] Result<std::optional<bool>> yes_or_no(const Environment& environment,
                                                    std::string_view name);

/// What CONSUL_CACERT and its siblings, or NOMAD_CACERT and its siblings, say. Rejected: a
/// certificate without a key or a key without a certificate.
[[nodiscard]] Result<ports::TlsSettings> tls_from_environment(const Environment& environment,
                                                              const std::string& prefix);

/// "Basic bWU6c2VjcmV0" for "me:secret"; a name alone has an empty password.
[[nodiscard]] std::string basic_authorization(std::string_view name_and_password);

}  // namespace rop::net
