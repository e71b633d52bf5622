#include "operator/config/access.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

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
    using Stamps = std::vector<std::optional<FileStamp>>;

    struct Cached {
        std::optional<AuthSpec> auth;
        TlsSpec tls;
        Stamps stamps;
        ports::AccessPtr access;
    };

    /// Of every file that the spec refers to.
    static Stamps stamps_of(const ClusterSpec& spec) {
        Stamps stamps;
        if (spec.auth && spec.auth->password.kind == SecretRef::Kind::file) {
            stamps.push_back(stamp_of(spec.auth->password.where));
        }
        for (const auto* path : {&spec.tls.ca, &spec.tls.cert, &spec.tls.key}) {
            if (spec.tls.enabled && !path->empty()) {
                stamps.push_back(stamp_of(*path));
            }
        }
        return stamps;
    }

    /// Authorities are nobody's secret, and often the same for everything.
    Result<std::optional<ports::TlsSettings>> tls(const TlsSpec& wanted) const {
        if (!wanted.enabled) {
            return std::optional<ports::TlsSettings>();
        }
        ports::TlsSettings settings;
        if (!wanted.ca.empty()) {
            ROP_TRY(check_named_file({"tls.ca", wanted.ca, 0}, {}));
        }
        if (!wanted.cert.empty()) {
            ROP_TRY(check_named_file({"tls.cert", wanted.cert, 0}, own_files));
            ROP_TRY(check_named_file({"tls.key", wanted.key, 0}, own_files));
        }
        settings.ca_file = wanted.ca;
        settings.cert_file = wanted.cert;
        settings.key_file = wanted.key;
        settings.server_name = wanted.server_name;
        return std::optional(std::move(settings));
    }

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
    if (!spec.auth && !spec.tls.enabled) {
        impl_->cache.erase(spec.name);
        return ports::AccessPtr{};
    }
    Impl::Stamps stamps = Impl::stamps_of(spec);
    const auto known = impl_->cache.find(spec.name);
    const bool is_known = known != impl_->cache.end() && known->second.auth == spec.auth &&
                          known->second.tls == spec.tls;
    const bool files_are_there =
        std::all_of(stamps.begin(), stamps.end(), [](const auto& stamp) { return !!stamp; });
    const bool is_same = is_known && files_are_there && known->second.stamps == stamps;
    if (is_same && (!spec.auth || spec.auth->password.kind == SecretRef::Kind::file)) {
        return known->second.access;
    }
    auto access = std::make_shared<ports::Access>();
    ROP_TRY(access->tls, impl_->tls(spec.tls));
    if (spec.auth) {
        access->username = spec.auth->username;
        ROP_TRY(access->password, impl_->read(spec.auth->password, fetched));
    }
    if (is_known) {
        const ports::Access& before = *known->second.access;
        const bool is_new = before.password != access->password;
        access->former_password = is_new ? before.password : before.former_password;
        if (is_same && !is_new) {
            return known->second.access;
        }
    }
    impl_->cache[spec.name] = Impl::Cached{spec.auth, spec.tls, std::move(stamps), access};
    return ports::AccessPtr(std::move(access));
}

}  // namespace rop::config
