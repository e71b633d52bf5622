#include "operator/redis/resp.hpp"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rop::redis {
namespace {

using ports::Reply;

/// "+OK" "-ERR x" ":5" "'text'" "nil" "[a b]"
std::string drawn(const Reply& reply) {
    switch (reply.kind) {
        case Reply::Kind::nil:
            return "nil";
        case Reply::Kind::integer:
            return ":" + std::to_string(reply.integer);
        case Reply::Kind::text:
            return "'" + reply.text + "'";
        case Reply::Kind::status:
            return "+" + reply.text;
        case Reply::Kind::error:
            return "-" + reply.text;
        case Reply::Kind::array:
            break;
    }
    std::string text;
    for (const auto& element : reply.elements) {
        text += (text.empty() ? "" : " ") + drawn(element);
    }
    return "[" + text + "]";
}

/// All replies in `bytes`, fed in pieces of `piece` bytes; the error ends the list.
std::vector<std::string> read(std::string_view bytes, std::size_t piece, RespLimits limits = {}) {
    RespReader reader(limits);
    std::vector<std::string> replies;
    while (!bytes.empty()) {
        reader.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        for (;;) {
            auto reply = reader.next();
            if (reply.has_error()) {
                EXPECT_EQ(reply.error().kind, ErrorKind::malformed);
                replies.push_back(reply.error().what);
                return replies;
            }
            if (!reply.value()) {
                break;
            }
            replies.push_back(drawn(*reply.value()));
        }
    }
    if (!reader.is_between_replies()) {
        replies.push_back("...");
    }
    return replies;
}

using Replies = std::vector<std::string>;

constexpr std::string_view everything =
    "+OK\r\n"
    "-ERR no such thing\r\n"
    ":-42\r\n"
    "$12\r\ntwo\r\nlines\r\n\r\n"
    "$0\r\n\r\n"
    "$-1\r\n"
    "*-1\r\n"
    "*0\r\n"
    "*3\r\n$1\r\na\r\n*2\r\n:1\r\n*1\r\n+x\r\n$1\r\nb\r\n"
    ":9223372036854775807\r\n";

TEST(RespReader, ReadsEveryKindHoweverItIsCut) {
    const Replies expected{"+OK",
                           "-ERR no such thing",
                           ":-42",
                           "'two\r\nlines\r\n'",
                           "''",
                           "nil",
                           "nil",
                           "[]",
                           "['a' [:1 [+x]] 'b']",
                           ":9223372036854775807"};
    for (std::size_t piece = 1; piece <= everything.size(); ++piece) {
        EXPECT_EQ(read(everything, piece), expected) << "in pieces of " << piece;
    }
}

TEST(RespReader, WaitsForTheRest) {
    EXPECT_EQ(read("+OK\r\n$5\r\nab", 4), (Replies{"+OK", "..."}));
    EXPECT_EQ(read("*2\r\n:1\r\n", 4), (Replies{"..."}));
}

struct Garbage {
    const char* name;
    std::string bytes;
};

class RespGarbage : public ::testing::TestWithParam<Garbage> {};

TEST_P(RespGarbage, IsRefused) {
    for (const std::size_t piece : {1U, 3U, 1000U}) {
        const auto replies = read(GetParam().bytes, piece);
        ASSERT_EQ(replies.size(), 1U);
        EXPECT_TRUE(replies[0].starts_with("not a reply of Redis: ")) << replies[0];
    }
}

const Garbage garbage[] = {
    {"Http", "HTTP/1.1 400 Bad Request\r\n\r\n"},
    {"Resp3", "%1\r\n+a\r\n:1\r\n"},
    {"Tls", std::string("\x15\x03\x01\x00\x02\x02\x46", 7)},
    {"NumberIsNone", ":five\r\n"},
    {"NumberIsMissing", ":\r\n"},
    {"NumberIsTooGreat", ":99999999999999999999999\r\n"},
    {"LengthIsNone", "$five\r\n"},
    {"LengthIsNegative", "$-2\r\n"},
    {"CountIsNegative", "*-2\r\n"},
    {"CountIsHuge", "*2147483647\r\n"},
    {"CountIsBeyondAnInt", "*4294967296\r\n"},
    {"TooManyElementsTogether", "*200000\r\n*100000\r\n"},
};

INSTANTIATE_TEST_SUITE_P(Kinds, RespGarbage, ::testing::ValuesIn(garbage),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(RespReader, ReadsEightLevelsAndNoMore) {
    std::string nested;
    for (int level = 0; level < 8; ++level) {
        nested += "*1\r\n";
    }
    EXPECT_EQ(read(nested + ":1\r\n", 2), (Replies{"[[[[[[[[:1]]]]]]]]"}));
    EXPECT_TRUE(read(nested + "*1\r\n", 2).at(0).starts_with("not a reply of Redis: "));
}

TEST(RespReader, SaysTheSameAfterAnError) {
    RespReader reader;
    reader.feed("?\r\n");
    const auto first = reader.next();
    reader.feed("+OK\r\n");
    const auto second = reader.next();

    ASSERT_TRUE(first.has_error());
    ASSERT_TRUE(second.has_error());
    EXPECT_EQ(first.error().what, second.error().what);
}

TEST(RespReader, BoundsTheBytesOfOneReply) {
    RespLimits limits;
    limits.reply_bytes = 1'000;
    const std::string fits = "$900\r\n" + std::string(900, 'x') + "\r\n";
    const std::string does_not = "$1100\r\n" + std::string(1'100, 'x') + "\r\n";
    const Replies refused{"not a reply of Redis: more than 1000 bytes"};

    EXPECT_EQ(read(fits + fits + fits, 64, limits).size(), 3U) << "the bound is for each";
    EXPECT_EQ(read(fits + fits + fits, 10'000, limits).size(), 3U);
    EXPECT_EQ(read(does_not, 64, limits), refused);
    EXPECT_EQ(read(does_not, 10'000, limits), refused);
    EXPECT_EQ(read("$999999999\r\n" + std::string(2'000, 'x'), 64, limits), refused)
        << "without waiting for a gigabyte";
}

TEST(RespReader, BoundsALine) {
    RespLimits limits;
    limits.line_bytes = 100;
    const std::string long_text(200, 'x');

    EXPECT_EQ(read("+" + long_text, 10, limits),
              (Replies{"not a reply of Redis: a line of more than 100 bytes"}));
    EXPECT_EQ(read("$" + long_text, 10, limits),
              (Replies{"not a reply of Redis: a line of more than 100 bytes"}));
    EXPECT_EQ(read("*1\r\n-" + long_text, 10, limits),
              (Replies{"not a reply of Redis: a line of more than 100 bytes"}));
    EXPECT_EQ(read("$200\r\n" + long_text + "\r\n", 10, limits), (Replies{"'" + long_text + "'"}));
}

TEST(RespReader, BoundsTheElementsOfOneReply) {
    RespLimits limits;
    limits.elements = 3;

    EXPECT_EQ(read("*3\r\n:1\r\n:2\r\n:3\r\n*3\r\n:1\r\n:2\r\n:3\r\n", 5, limits).size(), 2U);
    EXPECT_EQ(read("*2\r\n:1\r\n*2\r\n", 5, limits),
              (Replies{"not a reply of Redis: more than 3 elements"}));
}

TEST(RespReader, SurvivesWhateverItIsGiven) {
    std::mt19937 chance{3};
    RespLimits limits;
    limits.reply_bytes = 4'096;
    limits.elements = 64;
    const std::string_view pieces = "*$+-:0123456789\r\nabc\xff";
    std::size_t refused = 0;
    for (int round = 0; round < 8'000; ++round) {
        std::string bytes(everything);
        for (auto left = 1 + chance() % 3; left > 0; --left) {
            const auto at = chance() % bytes.size();
            if (chance() % 2 == 0) {
                bytes[at] = pieces[chance() % pieces.size()];
            } else {
                bytes.erase(at, 1 + chance() % 5);
            }
        }
        const auto whole = read(bytes, bytes.size(), limits);
        ASSERT_EQ(read(bytes, 1 + chance() % 40, limits), whole) << "cut or not, it is the same";
        refused += !whole.empty() && whole.back().starts_with("not a reply") ? 1 : 0;
    }
    EXPECT_GT(refused, 2'000U);
}

TEST(AppendCommand, WritesWordsAsTheyAre) {
    std::string out = "before";
    append_command(out, {"SET", "", std::string("a\r\n\0b", 5)});

    EXPECT_EQ(out, "before" + std::string("*3\r\n$3\r\nSET\r\n$0\r\n\r\n$5\r\na\r\n\0b\r\n", 30));
}

}  // namespace
}  // namespace rop::redis
