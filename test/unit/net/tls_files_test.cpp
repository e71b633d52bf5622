#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "operator/net/tls.hpp"
#include "test/support/certificates.hpp"
#include "test/support/local_servers.hpp"

namespace rop::net {
namespace {

using testing::PemPair;
using testing::TestAuthority;

TEST(TlsFilesTest, RefusesWhatDoesNotFit) {
    const testing::ScratchFolder folder;
    const TestAuthority authority(folder.path(), "right");
    const PemPair own = authority.issue("server");
    const auto write = [](const std::string& path, const std::string& text) {
        std::ofstream(path) << text;
    };
    const std::string missing = folder.path() + "/none.pem";
    const std::string text = folder.path() + "/text.pem";
    write(text, "not a certificate\n");
    const std::string damaged = folder.path() + "/damaged.pem";
    write(damaged, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    const std::string locked = folder.path() + "/locked.key";
    write(locked,
          "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE "
          "KEY-----\n");
    const PemPair other = authority.issue("other");
    const std::string empty = folder.path() + "/empty";
    std::filesystem::create_directory(empty);
    struct Case {
        ports::TlsSettings settings;
        std::string what;
    };
    const ports::TlsSettings none;
    const auto with = [&](std::string ports::TlsSettings::*member, const std::string& value) {
        ports::TlsSettings settings = authority.settings(own);
        settings.*member = value;
        return settings;
    };
    auto folder_only = none;
    folder_only.ca_path = empty;
    auto folder_damaged = none;
    folder_damaged.ca_path = folder.path();
    const std::vector<Case> cases{
        {with(&ports::TlsSettings::ca_file, missing),
         "the CA file " + missing + " cannot be read: No such file or directory"},
        {with(&ports::TlsSettings::ca_file, folder.path()),
         "the CA file " + folder.path() + " cannot be read: Is a directory"},
        {with(&ports::TlsSettings::ca_file, text),
         "the CA file " + text +
             " holds no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----"},
        {with(&ports::TlsSettings::ca_file, damaged),
         "the CA file " + damaged + " is damaged: certificate 1 in it cannot be read"},
        {with(&ports::TlsSettings::cert_file, text),
         "the certificate file " + text +
             " holds no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----"},
        {with(&ports::TlsSettings::key_file, missing),
         "the key file " + missing + " cannot be read: No such file or directory"},
        {with(&ports::TlsSettings::key_file, own.cert),
         "the key file " + own.cert +
             " holds no private key; it must be PEM, with -----BEGIN PRIVATE KEY-----"},
        {with(&ports::TlsSettings::key_file, locked),
         "the key file " + locked +
             " is encrypted; it must be without a passphrase, and readable by this user alone"},
        {with(&ports::TlsSettings::key_file, other.key),
         "the key in " + other.key + " does not belong to the certificate in " + own.cert +
             ", which must come first in its file"},
        {with(&ports::TlsSettings::key_file, ""),
         "the certificate " + own.cert + " needs its private key, and none is given"},
        {with(&ports::TlsSettings::cert_file, ""),
         "the private key " + own.key + " needs its certificate, and none is given"},
        {folder_only,
         "the CA folder " + empty + " holds no file; it must hold certificates in PEM"},
        {folder_damaged,
         "the CA file " + damaged + " is damaged: certificate 1 in it cannot be read"},
    };
    for (const auto& [settings, what] : cases) {
        TlsFiles files(TlsFiles::Side::client, settings);
        const auto context = files.context();
        ASSERT_TRUE(context.has_error()) << what;
        EXPECT_EQ(context.error().what, what);
        EXPECT_EQ(context.error().kind, ErrorKind::rejected);
    }
}

TEST(LooksLikeTls, TellsAnAlertFromWords) {
    EXPECT_TRUE(looks_like_tls(std::string_view("\x15\x03\x01\x00\x02\x02\x46", 7)));
    EXPECT_FALSE(looks_like_tls("HTTP/1.1 200 OK"));
    EXPECT_FALSE(looks_like_tls("-ERR"));
    EXPECT_FALSE(looks_like_tls("\x15\x03\xff"));
    EXPECT_FALSE(looks_like_tls(""));
}

}  // namespace
}  // namespace rop::net
