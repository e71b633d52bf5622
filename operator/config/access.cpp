#include "operator/config/access.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "operator/config/secret_files.hpp"

namespace rop::config {
namespace {

constexpr std::size_t password_bytes_max = 4096;

/// One trailing newline is the editor's, not the password's.
Result<std::string> password_of(std::string text, const std::string& where) {
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    if (text.ends_with('\r')) {
        text.pop_back();
    }
    if (text.empty()) {
        return Error{ErrorKind::rejected, where + " is empty; it must hold the password"};
    }
    if (text.size() > password_bytes_max) {
        return Error{ErrorKind::rejected, where + " is larger than 4 KiB"};
    }
    return text;
}

bool is_own_variable(std::string_view name) {
    constexpr std::array<std::string_view, 5> prefixes{"CONSUL_", "NOMAD_", "VAULT_", "AWS_",
                                                       "REDIS_OPERATOR_"};
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

struct SecretReader::Impl {
    struct Cached {
        AuthSpec auth;
        std::optional<FileStamp> stamp;
        ports::AccessPtr access;
    };

    Result<std::string> read(const SecretRef& from, const Result<std::string>* fetched) const {
        switch (from.kind) {
            case SecretRef::Kind::file: {
                const NamedFile file{"the password file", from.where, password_bytes_max};
                ROP_TRY(std::string text, read_named_file(file, own_files));
                return password_of(std::move(text), "the password file " + from.where);
            }
            case SecretRef::Kind::env:
                return read_variable(from.where);
            case SecretRef::Kind::nomad_variable:
                return read_fetched("the Nomad variable " + from.where, fetched);
            case SecretRef::Kind::consul_key:
                return read_fetched("the Consul key " + from.where, fetched);
        }
        return Error{ErrorKind::rejected, "no way to read the password"};
    }

    Result<std::string> read_variable(const std::string& name) const {
        const std::string what = "the environment variable " + name;
        if (is_own_variable(name)) {
            return not_for_redis(what);
        }
        const auto found = environment.find(name);
        if (found == environment.end()) {
            return Error{ErrorKind::rejected,
                         what +
                             ", which the spec names for the password, is not set for "
                             "the operator"};
        }
        return password_of(found->second, what);
    }

    static Result<std::string> read_fetched(const std::string& what,
                                            const Result<std::string>* fetched) {
        if (fetched == nullptr) {
            return Error{ErrorKind::unavailable, what + " was not read yet"};
        }
        if (fetched->has_error()) {
            return fetched->error();
        }
        return password_of(fetched->value(), what);
    }

    std::map<std::string, std::string> environment;
    std::vector<std::string> own_files;
    std::map<ClusterName, Cached> cache;
};

SecretReader::SecretReader(std::map<std::string, std::string> environment,
                           std::vector<std::string> own_files)
    : impl_(std::make_unique<Impl>()) {
    // Token files, keys and whatever else its own clients are told to use.
    for (const auto& [name, value] : environment) {
        if (is_own_variable(name) && value.find('/') != std::string::npos) {
            own_files.push_back(value);
        }
    }
    impl_->environment = std::move(environment);
    impl_->own_files = std::move(own_files);
}
SecretReader::~SecretReader() = default;
SecretReader::SecretReader(SecretReader&&) noexcept = default;
SecretReader& SecretReader::operator=(SecretReader&&) noexcept = default;

Result<ports::AccessPtr> SecretReader::access(const ClusterSpec& spec,
                                              const Result<std::string>* fetched) {
    if (spec.tls.enabled) {
        // Going on without TLS would show the password to everybody on the way.
        return Error{ErrorKind::rejected, "tls.enabled: TLS to Redis is not supported yet"};
    }
    if (!spec.auth) {
        return ports::AccessPtr{};
    }
    const SecretRef& from = spec.auth->password;
    const bool is_file = from.kind == SecretRef::Kind::file;
    const std::optional<FileStamp> stamp = is_file ? stamp_of(from.where) : std::nullopt;
    const auto known = impl_->cache.find(spec.name);
    const bool is_known = known != impl_->cache.end() && known->second.auth == *spec.auth;
    if (is_known && is_file && stamp && known->second.stamp == stamp) {
        return known->second.access;
    }
    ROP_TRY(std::string password, impl_->read(from, fetched));
    if (is_known && known->second.access->password == password) {
        known->second.stamp = stamp;
        return known->second.access;
    }
    auto access = std::make_shared<ports::Access>();
    access->username = spec.auth->username;
    access->password = std::move(password);
    if (is_known) {
        access->former_password = known->second.access->password;
    }
    impl_->cache[spec.name] = Impl::Cached{*spec.auth, stamp, access};
    return ports::AccessPtr(std::move(access));
}

}  // namespace rop::config
