#include "operator/web/guard.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/support/local_servers.hpp"

namespace rop::web {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Request asked(std::string target, std::string authorization = "") {
    return Request{"GET", std::move(target), std::move(authorization)};
}

std::string header(const Response& response, const std::string& wanted) {
    for (const auto& [name, value] : response.headers) {
        if (name == wanted) {
            return value;
        }
    }
    return "";
}

TEST(BearerGuard, LetsEverybodyInWithoutAToken) {
    BearerGuard guard("", "");
    EXPECT_TRUE(guard.open().has_value());
    EXPECT_FALSE(guard.asks_for_token());
    EXPECT_EQ(guard.refusal(asked("/v1/clusters")), std::nullopt);
}

TEST(BearerGuard, LetsInWhoShowsTheToken) {
    BearerGuard guard("secret", "");
    EXPECT_TRUE(guard.open().has_value());
    EXPECT_TRUE(guard.asks_for_token());
    EXPECT_EQ(guard.refusal(asked("/metrics", "Bearer secret")), std::nullopt);
    EXPECT_EQ(guard.refusal(asked("/metrics", "bEARER  secret")), std::nullopt);
}

TEST(BearerGuard, RefusesEverybodyElseWithTheNextStep) {
    BearerGuard guard("secret", "");
    for (const auto* shown : {"", "secret", "Basic secret", "Bearer", "Bearer ", "Bearer secre",
                              "Bearer secrets", "Bearer secretsecret", "Bearer SECRET"}) {
        const auto refused = guard.refusal(asked("/v1/clusters", shown));
        ASSERT_TRUE(refused) << shown;
        EXPECT_EQ(refused->status, 401U);
        EXPECT_THAT(header(*refused, "WWW-Authenticate"),
                    HasSubstr("Bearer realm=\"redis-operator\""));
        EXPECT_EQ(refused->content_type, "application/json");
        EXPECT_THAT(refused->body,
                    AllOf(HasSubstr("\"error\":"), HasSubstr("\"next\":"),
                          HasSubstr("Authorization: Bearer TOKEN"), Not(HasSubstr("secret"))));
    }
    EXPECT_THAT(header(*guard.refusal(asked("/", "Bearer x")), "WWW-Authenticate"),
                HasSubstr("error=\"invalid_token\""));
}

TEST(BearerGuard, LeavesTheHealthOfTheProcessOpen) {
    BearerGuard guard("secret", "");
    EXPECT_EQ(guard.refusal(asked("/healthz")), std::nullopt);
    EXPECT_EQ(guard.refusal(asked("/healthz?x=1")), std::nullopt);
    for (const auto* target : {"/healthz/", "/readyz", "/metrics", "/", "//healthz", "/x/healthz",
                               "/v1/clusters?/healthz", "/v1/clusters/../healthz"}) {
        EXPECT_TRUE(guard.refusal(asked(target))) << target;
    }
}

TEST(BearerGuard, FollowsItsFile) {
    const testing::ScratchFolder folder;
    const std::string path = folder.path() + "/token";
    const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
    write("first\r\n");
    BearerGuard guard("loses against the file", path);
    ASSERT_TRUE(guard.open().has_value());
    EXPECT_EQ(guard.refusal(asked("/", "Bearer first")), std::nullopt);
    EXPECT_TRUE(guard.refusal(asked("/", "Bearer loses against the file")));

    write("the-second\n");
    EXPECT_EQ(guard.refusal(asked("/", "Bearer the-second")), std::nullopt);
    EXPECT_TRUE(guard.refusal(asked("/", "Bearer first")));

    std::filesystem::remove(path);
    EXPECT_TRUE(guard.refusal(asked("/", "Bearer the-second"))) << "nobody is let in";
    EXPECT_TRUE(guard.refusal(asked("/", "Bearer "))) << "nor with nothing";
    write("third");
    EXPECT_EQ(guard.refusal(asked("/", "Bearer third")), std::nullopt);
}

TEST(BearerGuard, DoesNotOpenWithoutAToken) {
    const testing::ScratchFolder folder;
    const std::string path = folder.path() + "/token";
    const auto refused = [&] { return BearerGuard("given", path).open().error().what; };
    EXPECT_EQ(refused(), "the token file " + path + " cannot be read: No such file or directory");
    const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
    write(" \n");
    EXPECT_EQ(refused(), "the token file " + path + " is empty; it must hold the token");
    write("two words\n");
    EXPECT_EQ(refused(),
              "the token file " + path + " holds more than one word; it must hold the token alone");
    write(std::string(5000, 'x'));
    EXPECT_EQ(refused(), "the token file " + path +
                             " is larger than 4 KiB: it holds something "
                             "else");
}

TEST(IsSameSecret, ComparesWholeTexts) {
    EXPECT_TRUE(is_same_secret("abc", "abc"));
    for (const auto* shown : {"", "ab", "abd", "abcabc", "abca", "xbc"}) {
        EXPECT_FALSE(is_same_secret(shown, "abc")) << shown;
    }
    EXPECT_FALSE(is_same_secret("", ""));
}

}  // namespace
}  // namespace rop::web
