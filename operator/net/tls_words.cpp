#include "operator/net/tls_words.hpp"

#include <array>
#include <cstddef>
#include <ctime>
#include <memory>
#include <string_view>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "operator/net/api_client.hpp"

namespace rop::net {
namespace {

constexpr std::size_t name_bytes_max = 120;  // Of one name: a peer may put anything there.
constexpr int names_max = 8;

/// "CN = consul.example, O = us", without what could break a line.
std::string printed(const X509_NAME* name) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE | ASN1_STRFLGS_ESC_CTRL);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    if (size <= 0) {
        return "nobody";
    }
    return shortened(std::string_view(text, static_cast<std::size_t>(size)), name_bytes_max);
}

std::string printed(const ASN1_TIME* moment) {
    std::tm parts{};
    std::array<char, 32> text{};
    if (ASN1_TIME_to_tm(moment, &parts) != 1 ||
        std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        return "an unreadable moment";
    }
    return text.data();
}

std::string printed_now() {
    const std::time_t now = std::time(nullptr);
    const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> time(ASN1_TIME_set(nullptr, now),
                                                                     &ASN1_TIME_free);
    return printed(time.get());
}

std::string printed_address(const ASN1_OCTET_STRING* octets) {
    // The form of inet_ntop; 4 or 16 bytes, anything else is none.
    const unsigned char* bytes = ASN1_STRING_get0_data(octets);
    const int size = ASN1_STRING_length(octets);
    std::string text;
    if (size == 4) {
        for (int i = 0; i < 4; ++i) {
            text += (i == 0 ? "" : ".") + std::to_string(bytes[i]);
        }
    } else if (size == 16) {
        constexpr std::string_view digits = "0123456789abcdef";
        for (int i = 0; i < 16; ++i) {
            text += i > 0 && i % 2 == 0 ? ":" : "";
            text += digits[bytes[i] >> 4U];
            text += digits[bytes[i] & 15U];
        }
    }
    return text;
}

std::string printed(const GENERAL_NAME* name) {
    int kind = 0;
    const void* value = GENERAL_NAME_get0_value(name, &kind);
    if (kind == GEN_IPADD) {
        return printed_address(static_cast<const ASN1_OCTET_STRING*>(value));
    }
    if (kind != GEN_DNS) {
        return {};
    }
    const auto* text = static_cast<const ASN1_STRING*>(value);
    const std::string_view all(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                               static_cast<std::size_t>(ASN1_STRING_length(text)));
    return shortened(all, name_bytes_max);
}

/// The names that count: a common name does not, as in Consul's and Nomad's own programs.
std::string names_in(const X509* certificate) {
    auto* names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> owned(names,
                                                                              &GENERAL_NAMES_free);
    std::string list;
    const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names);
    for (int i = 0; i < count && i < names_max; ++i) {
        const std::string name = printed(sk_GENERAL_NAME_value(names, i));
        if (!name.empty()) {
            list += (list.empty() ? "" : ", ") + name;
        }
    }
    if (list.empty()) {
        return "no name at all (no subjectAltName)";
    }
    return count > names_max ? list + ", ..." : list;
}

std::string authorities(const ports::TlsSettings& settings) {
    if (!settings.ca_file.empty()) {
        return "in " + settings.ca_file;
    }
    if (!settings.ca_path.empty()) {
        return "in " + settings.ca_path;
    }
    return "among this system's authorities";
}

}  // namespace

std::string why_not_believed(x509_store_ctx_st* judged, const std::string& name,
                             const ports::TlsSettings& settings) {
    const int code = X509_STORE_CTX_get_error(judged);
    const X509* certificate = X509_STORE_CTX_get_current_cert(judged);
    if (certificate == nullptr) {
        return std::string("the certificate is not believed: ") +
               X509_verify_cert_error_string(code);
    }
    const std::string subject = printed(X509_get_subject_name(certificate));
    const std::string issuer = printed(X509_get_issuer_name(certificate));
    switch (code) {
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return "certificate signed by unknown authority: that of (" + subject +
                   ") was issued by (" + issuer + "), whose certificate is not " +
                   authorities(settings) + "; next: give the CA that issued it";
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return "the certificate of (" + subject + ") has expired: it was valid until " +
                   printed(X509_get0_notAfter(certificate)) + ", and here it is " + printed_now() +
                   "; next: renew it, or set the clock right";
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "the certificate of (" + subject + ") is not valid before " +
                   printed(X509_get0_notBefore(certificate)) + ", and here it is " + printed_now() +
                   "; next: set the clock right, or wait";
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return "the certificate is not for " + name + ": it names " + names_in(certificate) +
                   "; next: connect by a name that it has, give that name as the server's name, "
                   "or issue it for " +
                   name;
        case X509_V_ERR_INVALID_PURPOSE:
            return "the certificate of (" + subject +
                   ") is not made for this: its extended key usage does not allow it; next: issue "
                   "it with serverAuth for servers, clientAuth for clients";
        default:
            return "the certificate of (" + subject +
                   ") is not believed: " + X509_verify_cert_error_string(code);
    }
}

std::string library_error() {
    const unsigned long code = ERR_peek_last_error();
    ERR_clear_error();
    const char* reason = ERR_reason_error_string(code);
    return reason == nullptr ? "for no reason that OpenSSL gives" : reason;
}

std::string why_given_up(const ports::TlsSettings& settings) {
    const unsigned long code = ERR_peek_error();
    const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    const std::string words = library_error();
    const std::string ours =
        settings.cert_file.empty() ? "none is given" : "the certificate in " + settings.cert_file;
    switch (reason) {
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            if (settings.cert_file.empty()) {
                return "the peer wants a certificate of its client, and none is given (" + words +
                       "); next: give a client certificate and its key";
            }
            return "the peer refuses " + ours + " (" + words +
                   "); next: give one that its CA has issued for clients";
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
            return "the peer does not know the authority behind our certificate: " + ours +
                   "; next: give one that a CA of the peer's has issued";
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
            return "the peer says that our certificate has expired: " + ours + "; next: renew it";
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
            return "the peer refuses our certificate: " + ours + " (" + words + ")";
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_WRONG_SSL_VERSION:
            return "the peer speaks no TLS that is new enough: 1.2 or newer is needed (" + words +
                   ")";
        case SSL_R_TLSV1_UNRECOGNIZED_NAME:
            return "the peer does not serve the name that it was asked for (" + words +
                   "); next: give the server's name";
        default:
            return "TLS failed: " + words;
    }
}

}  // namespace rop::net
