#include "operator/config/access.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/support/local_servers.hpp"

namespace rop::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Secrets : public ::testing::Test {
  protected:
    void write(const std::string& text) const { std::ofstream(path_) << text; }

    static ClusterSpec spec(SecretRef::Kind kind, std::string where) {
        ClusterSpec spec;
        spec.name = ClusterName{"cache"};
        spec.auth = AuthSpec{.username = "operator",
                             .password = SecretRef{.kind = kind, .where = std::move(where)}};
        return spec;
    }
    [[nodiscard]] ClusterSpec from_file() const { return spec(SecretRef::Kind::file, path_); }

    static std::string error(SecretReader& reader, const ClusterSpec& spec) {
        const auto read = reader.access(spec);
        return read.has_error() ? read.error().what : "read";
    }

    testing::ScratchFolder folder_;
    std::string path_ = folder_.path() + "/password";
    SecretReader reader_{{{"REDIS_PASSWORD", "s3cret"}, {"EMPTY", ""}}};
};

TEST_F(Secrets, AreNotNeededWithoutAuth) {
    const auto read = reader_.access(ClusterSpec{});
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read.value(), nullptr);
}

TEST_F(Secrets, ComeFromTheEnvironment) {
    const auto read = reader_.access(spec(SecretRef::Kind::env, "REDIS_PASSWORD"));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read.value()->username, "operator");
    EXPECT_EQ(read.value()->password, "s3cret");
}

TEST_F(Secrets, ComeFromAFileWithoutItsLastNewline) {
    write("pass word \n");
    const auto read = reader_.access(from_file());
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read.value()->password, "pass word ");
}

TEST_F(Secrets, StayTheSameObjectUntilTheFileChanges) {
    write("first");
    const auto first = reader_.access(from_file());
    ASSERT_TRUE(first.has_value());
    EXPECT_EQ(reader_.access(from_file()).value(), first.value());

    write("other");
    std::filesystem::last_write_time(
        path_, std::filesystem::last_write_time(path_) + std::chrono::seconds(1));

    EXPECT_EQ(reader_.access(from_file()).value()->password, "other");
}

TEST_F(Secrets, FollowTheSpecAtOnce) {
    write("from file");
    ASSERT_TRUE(reader_.access(from_file()).has_value());
    const auto read = reader_.access(spec(SecretRef::Kind::env, "REDIS_PASSWORD"));
    EXPECT_EQ(read.value()->password, "s3cret");
}

TEST_F(Secrets, AFileThatWentAwayIsNotForgotten) {
    write("first");
    ASSERT_TRUE(reader_.access(from_file()).has_value());
    std::filesystem::remove(path_);
    EXPECT_THAT(error(reader_, from_file()),
                AllOf(HasSubstr(path_), HasSubstr("No such file"), HasSubstr("must exist")));
}

TEST_F(Secrets, ErrorsNameTheReferenceAndNeverTheSecret) {
    EXPECT_THAT(error(reader_, spec(SecretRef::Kind::env, "NOT_SET")),
                AllOf(HasSubstr("NOT_SET"), HasSubstr("not set")));
    EXPECT_THAT(error(reader_, spec(SecretRef::Kind::env, "EMPTY")), HasSubstr("EMPTY is empty"));
    write("\n");
    EXPECT_THAT(error(reader_, from_file()), HasSubstr("is empty"));
    write(std::string(5000, 's'));
    EXPECT_THAT(error(reader_, from_file()), AllOf(HasSubstr("4 KiB"), Not(HasSubstr("sss"))));
    EXPECT_THAT(error(reader_, spec(SecretRef::Kind::file, folder_.path())),
                HasSubstr("Is a directory"));
}

TEST_F(Secrets, OfConsulAndNomadAreTakenAsTheyWereFetched) {
    for (const auto kind : {SecretRef::Kind::nomad_variable, SecretRef::Kind::consul_key}) {
        const ClusterSpec from = spec(kind, "place");
        EXPECT_THAT(error(reader_, from), AllOf(HasSubstr("place"), HasSubstr("not read yet")));
        const Result<std::string> denied = Error{ErrorKind::denied, "place: Permission denied"};
        EXPECT_EQ(reader_.access(from, &denied).error().what, "place: Permission denied");
        const Result<std::string> empty = std::string("\n");
        EXPECT_THAT(reader_.access(from, &empty).error().what, HasSubstr("place is empty"));

        const Result<std::string> fetched = std::string("s3cret\n");
        const auto read = reader_.access(from, &fetched);
        ASSERT_TRUE(read.has_value());
        EXPECT_EQ(read.value()->password, "s3cret");
        EXPECT_EQ(reader_.access(from, &fetched).value(), read.value()) << "the same object";
    }
}

TEST_F(Secrets, RememberTheFormerOneOfTheSameReference) {
    const ClusterSpec from = spec(SecretRef::Kind::consul_key, "place");
    const auto read = [&](const ClusterSpec& wanted, std::string text) {
        const Result<std::string> fetched = std::move(text);
        return reader_.access(wanted, &fetched).value();
    };
    EXPECT_EQ(read(from, "first")->former_password, std::nullopt);
    EXPECT_EQ(read(from, "second")->former_password, "first");
    EXPECT_EQ(read(from, "second")->former_password, "first");
    EXPECT_EQ(read(from, "third")->former_password, "second");

    // Another reference is another password's: nothing of the old one goes to its servers.
    EXPECT_EQ(read(spec(SecretRef::Kind::consul_key, "elsewhere"), "fourth")->former_password,
              std::nullopt);
}

// Whoever may write a spec names the servers to which its password goes.
TEST_F(Secrets, AreNeverTheOperatorsOwn) {
    for (const auto* variable : {"CONSUL_HTTP_TOKEN", "NOMAD_TOKEN", "VAULT_TOKEN",
                                 "AWS_SECRET_ACCESS_KEY", "REDIS_OPERATOR_SECRET"}) {
        SecretReader reader({{variable, "t0ken"}});
        EXPECT_THAT(
            error(reader, spec(SecretRef::Kind::env, variable)),
            AllOf(HasSubstr(variable), HasSubstr("operator's own"), Not(HasSubstr("t0ken"))));
    }
    for (const auto* path : {"/proc/self/environ", "//proc/self/environ", "/sys/kernel/notes",
                             "/proc/self/root/etc/hostname"}) {
        EXPECT_THAT(error(reader_, spec(SecretRef::Kind::file, path)),
                    AllOf(HasSubstr(path), HasSubstr("operator's own")));
    }
    const std::string link = folder_.path() + "/link";
    std::filesystem::create_symlink("/proc/self/environ", link);
    EXPECT_THAT(error(reader_, spec(SecretRef::Kind::file, link)), HasSubstr("operator's own"));
}

TEST_F(Secrets, AreNoTokenFiles) {
    write("t0ken");
    SecretReader reader({}, {"", path_});
    const std::string link = folder_.path() + "/link";
    std::filesystem::create_symlink(path_, link);
    for (const auto& path :
         {path_, link,
          folder_.path() + "/../" + std::filesystem::path(folder_.path()).filename().string() +
              "/password"}) {
        EXPECT_THAT(error(reader, spec(SecretRef::Kind::file, path)),
                    AllOf(HasSubstr(path), HasSubstr("operator's own"), Not(HasSubstr("t0ken"))));
    }
    std::ofstream(folder_.path() + "/other") << "s3cret";
    EXPECT_EQ(error(reader, spec(SecretRef::Kind::file, folder_.path() + "/other")), "read");
}

TEST_F(Secrets, AreNoFilesThatTheOperatorsOwnClientsUse) {
    write("t0ken");
    for (const auto* variable : {"CONSUL_HTTP_TOKEN_FILE", "CONSUL_CLIENT_KEY", "NOMAD_CLIENT_KEY",
                                 "AWS_SHARED_CREDENTIALS_FILE", "REDIS_OPERATOR_ANYTHING"}) {
        SecretReader reader({{variable, path_}});
        EXPECT_THAT(error(reader, from_file()), HasSubstr("operator's own")) << variable;
    }
    SecretReader reader({{"SOMEBODY_ELSES_FILE", path_}});
    EXPECT_EQ(error(reader, from_file()), "read");
}

TEST_F(Secrets, ComeWithTheSettingsOfTls) {
    ClusterSpec wanted = spec(SecretRef::Kind::env, "REDIS_PASSWORD");
    EXPECT_EQ(reader_.access(wanted).value()->tls, std::nullopt);
    wanted.tls.enabled = true;
    EXPECT_EQ(reader_.access(wanted).value()->tls, ports::TlsSettings{}) << "the system's CAs";
    write("certificates");
    wanted.tls = TlsSpec{
        .enabled = true, .ca = path_, .cert = path_, .key = path_, .server_name = "redis.cache"};

    const auto first = reader_.access(wanted).value();

    EXPECT_EQ(first->tls, (ports::TlsSettings{.ca_file = path_,
                                              .ca_path = {},
                                              .cert_file = path_,
                                              .key_file = path_,
                                              .server_name = "redis.cache"}));
    EXPECT_TRUE(first->tls->verify);
    EXPECT_EQ(reader_.access(wanted).value(), first) << "the same object";
    std::filesystem::last_write_time(
        path_, std::filesystem::last_write_time(path_) + std::chrono::seconds(1));
    EXPECT_NE(reader_.access(wanted).value(), first) << "tells that something changed";
    wanted.auth.reset();
    EXPECT_EQ(reader_.access(wanted).value()->password, std::nullopt);
}

// Else a spec could make the operator prove itself as the operator to any server.
TEST_F(Secrets, OfTlsAreNeverTheOperatorsOwn) {
    write("key");
    std::ofstream(folder_.path() + "/other") << "cert";
    SecretReader reader({{"CONSUL_CLIENT_KEY", path_}});
    ClusterSpec wanted = spec(SecretRef::Kind::env, "NOT_ASKED");
    wanted.auth.reset();
    wanted.tls.enabled = true;
    wanted.tls.ca = path_;
    EXPECT_EQ(error(reader, wanted), "read") << "authorities are no secret";
    wanted.tls.cert = folder_.path() + "/other";
    wanted.tls.key = path_;
    EXPECT_THAT(error(reader, wanted), AllOf(HasSubstr("tls.key"), HasSubstr("operator's own")));
    wanted.tls.key = "/proc/self/environ";
    EXPECT_THAT(error(reader, wanted), AllOf(HasSubstr("tls.key"), HasSubstr("operator's own")));
    wanted.tls.key = folder_.path() + "/nowhere";
    EXPECT_THAT(error(reader, wanted), AllOf(HasSubstr("tls.key"), HasSubstr("No such file")));
}

}  // namespace
}  // namespace rop::config
