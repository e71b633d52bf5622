#include "test/support/certificates.hpp"

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace rop::testing {
namespace {

void must(bool is_done, const std::string& what) {
    if (!is_done) {
        throw std::runtime_error("OpenSSL: " + what);
    }
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

X509* blank(const Certificate& wanted, EVP_PKEY* key) {
    X509* made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(made), std::random_device{}());
    const std::time_t now = std::time(nullptr);
    ASN1_TIME_set(X509_getm_notBefore(made), now + wanted.valid_from.count());
    ASN1_TIME_set(X509_getm_notAfter(made), now + wanted.valid_until.count());
    const auto* name = reinterpret_cast<const unsigned char*>(wanted.common_name.c_str());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8, name, -1, -1, 0);
    must(X509_set_pubkey(made, key) == 1, "public key");
    return made;
}

/// Replaced as a whole: who reads it meanwhile sees the one or the other.
template <class Write>
void write_file(const std::string& path, Write write) {
    const std::string fresh = path + ".new";
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(fresh.c_str(), "w"), &std::fclose);
    must(file != nullptr && write(file.get()) == 1, "cannot write " + fresh);
    std::fflush(file.get());
    std::filesystem::rename(fresh, path);
}

std::string alternative_names(const Certificate& wanted) {
    std::string list;
    for (const auto& name : wanted.names) {
        list += (list.empty() ? "DNS:" : ",DNS:") + name;
    }
    for (const auto& address : wanted.addresses) {
        list += (list.empty() ? "IP:" : ",IP:") + address;
    }
    return list;
}

}  // namespace

TestAuthority::TestAuthority(std::string folder, std::string name)
    : folder_(std::move(folder)),
      ca_file_(folder_ + "/" + name + "-ca.pem"),
      key_(EVP_EC_gen("P-256")) {
    Certificate own;
    own.common_name = name + " CA";
    certificate_ = blank(own, key_);
    X509_set_issuer_name(certificate_, X509_get_subject_name(certificate_));
    extend(certificate_, certificate_, NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate_, certificate_, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(certificate_, certificate_, NID_subject_key_identifier, "hash");
    must(X509_sign(certificate_, key_, EVP_sha256()) > 0, "signing");
    write_file(ca_file_, [&](FILE* file) { return PEM_write_X509(file, certificate_); });
}

TestAuthority::~TestAuthority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
}

PemPair TestAuthority::issue(const std::string& stem, const Certificate& wanted) const {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* made = blank(wanted, key);
    X509_set_issuer_name(made, X509_get_subject_name(certificate_));
    extend(made, certificate_, NID_basic_constraints, "critical,CA:FALSE");
    extend(made, certificate_, NID_ext_key_usage, "serverAuth,clientAuth");
    extend(made, certificate_, NID_authority_key_identifier, "keyid");
    if (const std::string names = alternative_names(wanted); !names.empty()) {
        extend(made, certificate_, NID_subject_alt_name, names);
    }
    must(X509_sign(made, key_, EVP_sha256()) > 0, "signing");

    PemPair pair{folder_ + "/" + stem + ".pem", folder_ + "/" + stem + ".key"};
    write_file(pair.key, [&](FILE* file) {
        return PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
    write_file(pair.cert, [&](FILE* file) { return PEM_write_X509(file, made); });
    X509_free(made);
    EVP_PKEY_free(key);
    return pair;
}

PemPair TestAuthority::issue(const std::string& stem) const {
    Certificate wanted;
    wanted.common_name = stem;
    wanted.names = {"localhost"};
    wanted.addresses = {"127.0.0.1", "::1"};
    return issue(stem, wanted);
}

ports::TlsSettings TestAuthority::settings(const PemPair& own) const {
    ports::TlsSettings settings;
    settings.ca_file = ca_file_;
    settings.cert_file = own.cert;
    settings.key_file = own.key;
    return settings;
}

ports::TlsSettings TestAuthority::settings() const {
    return settings(PemPair{});
}

}  // namespace rop::testing
