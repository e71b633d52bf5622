#include "operator/net/api_settings.hpp"

#include <algorithm>
#include <array>

#include <openssl/evp.h>

namespace rop::net {
namespace {

constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "true", "TRUE", "True"};
constexpr std::array<std::string_view, 6> no{"0", "f", "F", "false", "FALSE", "False"};

/// Consul's program takes "name:port" here, too, and forgets the port.
std::string without_port(const std::string& name) {
    const auto colon = name.rfind(':');
    const auto bracket = name.rfind(']');
    const bool is_v6 = std::count(name.begin(), name.end(), ':') > 1;
    std::string host = name;
    if (colon != std::string::npos && (bracket == std::string::npos ? !is_v6 : colon > bracket)) {
        host = name.substr(0, colon);
    }
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    return host;
}

}  // namespace

std::string value_of(const Environment& environment, std::string_view name) {
    const auto found = environment.find(std::string(name));
    return found == environment.end() ? "" : found->second;
}

Result<std::optional<bool>> yes_or_no(const Environment& environment, std::string_view name) {
    const std::string text = value_of(environment, name);
    if (text.empty()) {
        return std::optional<bool>();
    }
    if (std::find(yes.begin(), yes.end(), text) != yes.end()) {
        return std::optional<bool>(true);
    }
    if (std::find(no.begin(), no.end(), text) != no.end()) {
        return std::optional<bool>(false);
    }
    return Error{ErrorKind::rejected,
                 std::string(name) + ": \"" + text.substr(0, 80) + "\": must be true or false"};
}

Result<ports::TlsSettings> tls_from_environment(const Environment& environment,
                                                const std::string& prefix) {
    ports::TlsSettings settings;
    settings.ca_file = value_of(environment, prefix + "CACERT");
    settings.ca_path = value_of(environment, prefix + "CAPATH");
    settings.cert_file = value_of(environment, prefix + "CLIENT_CERT");
    settings.key_file = value_of(environment, prefix + "CLIENT_KEY");
    settings.server_name = without_port(value_of(environment, prefix + "TLS_SERVER_NAME"));
    if (settings.cert_file.empty() != settings.key_file.empty()) {
        const std::string given = settings.key_file.empty() ? "CLIENT_CERT" : "CLIENT_KEY";
        const std::string other = settings.key_file.empty() ? "CLIENT_KEY" : "CLIENT_CERT";
        return Error{ErrorKind::rejected, prefix + given + ": " + prefix + other +
                                              " must be set, too: a certificate and its key go "
                                              "together"};
    }
    return settings;
}

std::string basic_authorization(std::string_view name_and_password) {
    std::string text(name_and_password);
    if (text.find(':') == std::string::npos) {
        text += ':';
    }
    std::string encoded(4 * ((text.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
    encoded.resize(static_cast<std::size_t>(size));
    return "Basic " + encoded;
}

}  // namespace rop::net
