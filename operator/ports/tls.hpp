#pragma once

#include <compare>
#include <string>

namespace rop::ports {

/// By what one side of a TLS connection proves itself, and whom it trusts. Files are PEM; they are
/// read when a connection is made, and anew when they have changed since.
struct TlsSettings {
    std::string ca_file;    // The authorities that are trusted.
    std::string ca_path;    // As above, all files of a folder; ca_file wins. Neither: the system's.
    std::string cert_file;  // Our own certificate, its intermediate ones after it. Empty: none.
    std::string key_file;   // Of cert_file; not encrypted.
    /// What the server's certificate must be for, and what it is told that we want (SNI), if not
    /// the host that is connected to. A name, or an IP address.
    std::string server_name;
    bool verify = true;  // False: whoever answers is believed.

    friend auto operator<=>(const TlsSettings&, const TlsSettings&) = default;
};

}  // namespace rop::ports
