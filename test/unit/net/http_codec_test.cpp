#include "operator/net/http_codec.hpp"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rop::net {
namespace {

using State = ResponseReader::State;

const char* const answers[] = {
    "HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\nContent-Length: 5\r\n\r\nvalue",
    ("HTTP/1.1 200 OK\r\nX-Consul-Index: 7\r\nTransfer-Encoding: chunked\r\n\r\n"
     "2\r\nva\r\n3;x=y\r\nlue\r\n0\r\nTrailer: t\r\n\r\n"),
    "HTTP/1.1 200 OK\r\nX-Consul-Index:7\r\nContent-Length:  5 \r\n\r\nvalue",
};

class ResponseReaderAt : public ::testing::TestWithParam<const char*> {};

TEST_P(ResponseReaderAt, EverySplitReadsTheSame) {
    const std::string text = GetParam();
    for (std::size_t split = 0; split <= text.size(); ++split) {
        ResponseReader reader{HttpLimits{}};
        if (split > 0 && split < text.size()) {
            const auto half = reader.put(text.substr(0, split));
            ASSERT_TRUE(half.has_value()) << split;
            EXPECT_EQ(half.value(), State::incomplete) << split;
            EXPECT_TRUE(reader.has_begun());
        }
        const auto whole = reader.put(split < text.size() ? text.substr(split) : text);
        ASSERT_TRUE(whole.has_value()) << split;
        ASSERT_EQ(whole.value(), State::complete) << split;
        EXPECT_TRUE(reader.may_reuse());
        const HttpResponse response = reader.take();
        EXPECT_EQ(response.status, 200U);
        EXPECT_EQ(response.body, "value");
        EXPECT_EQ(response.number("x-consul-index"), 7U);
    }
}

TEST_P(ResponseReaderAt, ByteByByteReadsTheSame) {
    ResponseReader reader{HttpLimits{}};
    const std::string text = GetParam();
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto state = reader.put(text.substr(i, 1));
        ASSERT_TRUE(state.has_value()) << i;
        EXPECT_EQ(state.value(), i + 1 == text.size() ? State::complete : State::incomplete) << i;
    }
    EXPECT_EQ(reader.take().body, "value");
}

INSTANTIATE_TEST_SUITE_P(Answers, ResponseReaderAt, ::testing::ValuesIn(answers));

TEST(ResponseReader, MoreThanWasAskedForSpoilsTheConnection) {
    ResponseReader reader{HttpLimits{}};

    const auto state = reader.put("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab");

    EXPECT_EQ(state.value(), State::complete);
    EXPECT_FALSE(reader.may_reuse());
    EXPECT_EQ(reader.take().body, "a");
}

TEST(ResponseReader, EndOfTheConnection) {
    ResponseReader nothing{HttpLimits{}};
    EXPECT_FALSE(nothing.has_begun());
    EXPECT_EQ(nothing.put_end(), State::incomplete);

    ResponseReader half{HttpLimits{}};
    EXPECT_EQ(half.put("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na").value(), State::incomplete);
    EXPECT_EQ(half.put_end(), State::incomplete);

    ResponseReader until_end{HttpLimits{}};
    EXPECT_EQ(until_end.put("HTTP/1.0 200 OK\r\n\r\nab").value(), State::incomplete);
    EXPECT_EQ(until_end.put_end(), State::complete);
    EXPECT_FALSE(until_end.may_reuse());
    EXPECT_EQ(until_end.take().body, "ab");
}

/// Beast aborts when the last chunk comes in some pieces; found by test/fuzz/http_answer.cpp.
TEST(ResponseReader, ChunksMayBeCutAnywhere) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string& body :
         {std::string("0\r\n\r\n"), std::string("5\r\nhello\r\n0\r\n\r\n"),
          std::string("1;a=b\r\nh\r\n4\r\nello\r\n0;c\r\nX: y\r\n\r\n")}) {
        const std::string bytes = head + body;
        for (std::size_t first = 0; first < bytes.size(); ++first) {
            for (std::size_t piece = 1; piece < 8; ++piece) {
                ResponseReader reader(HttpLimits{});
                ResponseReader::State state = reader.put(bytes.substr(0, first)).value();
                for (std::size_t at = first; at < bytes.size(); at += piece) {
                    ASSERT_EQ(state, ResponseReader::State::incomplete) << at;
                    state = reader.put(bytes.substr(at, piece)).value();
                }
                ASSERT_EQ(state, ResponseReader::State::complete) << first << " " << piece;
                EXPECT_TRUE(reader.may_reuse());
                EXPECT_EQ(reader.take().body, body.starts_with("0") ? "" : "hello");
            }
        }
    }
}

/// Beast would gather the head of a chunk, and the fields after the last one, as long as they come.
TEST(ResponseReader, NoLineGrowsWithoutEnd) {
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const std::string& beginning :
         {head + "5;x=", head + "5\r\nhello\r\n0;x=", head + "0\r\nX: ", std::string("HTTP/1.1 "),
          std::string("HTTP/1.1 200 OK\r\nX: ")}) {
        HttpLimits limits;
        limits.header_bytes = 1'000;
        ResponseReader reader(limits);
        auto state = reader.put(beginning);
        std::size_t fed = 0;
        for (; state.has_value() && fed < 10'000; fed += 100) {
            state = reader.put(std::string(100, 'a'));
        }
        EXPECT_LE(fed, 1'100U) << beginning;
        ASSERT_TRUE(state.has_error()) << beginning;
        EXPECT_EQ(state.error().kind, ErrorKind::malformed);
    }
}

TEST(ResponseReader, DamagedAnswersNeverDoMoreThanFail) {
    std::mt19937 random(7);
    int failed = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string text = answers[random() % std::size(answers)];
        for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
            text[random() % text.size()] = static_cast<char>(random());
        }
        ResponseReader reader{HttpLimits{1'000, 1'000}};
        const std::size_t split = random() % text.size();
        auto state = reader.put(text.substr(0, split));
        if (state.has_value() && state.value() == State::incomplete) {
            state = reader.put(text.substr(split));
        }
        if (state.has_error()) {
            EXPECT_EQ(state.error().kind, ErrorKind::malformed);
            ++failed;
        } else if (state.value() == State::complete || reader.put_end() == State::complete) {
            EXPECT_LE(reader.take().body.size(), 1'000U);
        }
    }
    EXPECT_GT(failed, 1'000);
}

TEST(WriteRequest, HasALengthWheneverItMayHaveABody) {
    HttpRequest request;
    request.target = "/v1/a?b";
    const std::string get = write_request(request, "h:1").value();
    EXPECT_EQ(get.find("GET /v1/a?b HTTP/1.1\r\nHost: h:1\r\n"), 0U);
    EXPECT_THAT(get, ::testing::Not(::testing::HasSubstr("Content-Length")));
    EXPECT_TRUE(get.ends_with("\r\n\r\n"));
    for (const auto method :
         {HttpRequest::Method::put, HttpRequest::Method::post, HttpRequest::Method::del}) {
        request.method = method;
        EXPECT_THAT(write_request(request, "h:1").value(),
                    ::testing::HasSubstr("\r\nContent-Length: 0\r\n"));
    }
    EXPECT_EQ(describe(request), "DELETE /v1/a");
}

}  // namespace
}  // namespace rop::net
