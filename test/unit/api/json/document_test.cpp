#include "api/json/document.hpp"

#include <gtest/gtest.h>

#include "api/json/writer.hpp"

namespace rop::json {
namespace {

TEST(Document, KeepsOrderDoubledKeysAndHowNumbersAreWritten) {
    const auto document = parse_document(R"({"b":1e2,"a":[true,null,"x"],"b":-0.50})");

    ASSERT_TRUE(document.has_value());
    const Node& root = document.value();
    ASSERT_EQ(root.fields.size(), 3U);
    EXPECT_EQ(root.fields[0].key, "b");
    EXPECT_EQ(root.fields[0].value.text, "1e2");
    EXPECT_EQ(root.fields[2].value.text, "-0.50");
    EXPECT_EQ(root.find("b"), &root.fields[0].value);
    EXPECT_EQ(root.find("c"), nullptr);
    EXPECT_EQ(root.fields[1].value.elements[2].text, "x");
    EXPECT_EQ(root.fields[1].value.order, 2U);
    EXPECT_EQ(root.fields[1].value.last, 5U);
}

struct MalformedCase {
    const char* name;
    std::string text;
    const char* error;
};

std::vector<MalformedCase> malformed_cases() {
    return {
        {"Empty", "", "line 1, column 1 (byte 0): the document is empty"},
        {"Cut", "{\"a\":\n [1,", "line 2, column 5 (byte 10): the document ends too early"},
        {"Extra", "{} {}",
         "line 1, column 4 (byte 3): something follows after the end of the "
         "document"},
        {"TrailingComma", "{\"a\":1,\n}",
         "line 2, column 1 (byte 8): a comma stands between two values only, not after the last"},
        {"MissingValue", "{\"a\":}",
         "line 1, column 6 (byte 5): a bracket that nothing opened, or a value missing before it"},
        {"Comment", "{\n// no\n}", "line 2, column 1 (byte 2): JSON has no comments"},
        {"SingleQuotes", "{'a':1}",
         "line 1, column 2 (byte 1): JSON writes texts in double quotes"},
        {"NotANumber", "{\"a\":NaN}",
         "line 1, column 6 (byte 5): NaN and Infinity are no JSON numbers"},
        {"LittleNan", "{\"a\":nan}",
         "line 1, column 6 (byte 5): NaN and Infinity are no JSON numbers"},
        {"Infinity", "[Infinity]",
         "line 1, column 2 (byte 1): NaN and Infinity are no JSON numbers"},
        {"MinusInfinity", "[-Infinity]",
         "line 1, column 3 (byte 2): NaN and Infinity are no JSON numbers"},
        {"HugeExponent", "[1e99999999999]",
         "line 1, column 13 (byte 12): a number with an exponent out of range"},
        {"RawControlCharacter", "[\"a\x01\"]",
         "line 1, column 4 (byte 3): a control character; in texts they are written as escapes"},
        {"RawZero", std::string("{\0}", 3),
         "line 1, column 2 (byte 1): a control character; in texts they are written as escapes"},
        {"InvalidUtf8", "[\"\xff\"]",
         "line 1, column 3 (byte 2): not valid UTF-8, or not within a text"},
        {"InvalidUtf8Key", "{\"a\xc3\":1}",
         "line 1, column 4 (byte 3): not valid UTF-8, or not within a text"},
        {"ByteOrderMark", "\xef\xbb\xbf{}",
         "line 1, column 1 (byte 0): not valid UTF-8, or not within a text"},
        {"LoneSurrogate", "[\"\\ud800\"]", nullptr},
        {"TooDeep", std::string(17, '[') + std::string(17, ']'),
         "line 1, column 17 (byte 16): nested deeper than 16 levels"},
        {"VeryDeep", std::string(100'000, '['),
         "line 1, column 17 (byte 16): nested deeper than 16 levels"},
        {"TooBig", "\"" + std::string(document_size_max, 'x') + "\"",
         "390002 bytes: at most 390000 fit into a Consul value"},
        {"Word", "hunter2", "line 1, column 1 (byte 0): not JSON"},
    };
}

TEST(Document, SaysWhereItIsMalformed) {
    for (const auto& row : malformed_cases()) {
        const auto document = parse_document(row.text);
        ASSERT_TRUE(document.has_error()) << row.name;
        EXPECT_EQ(document.error().kind, ErrorKind::malformed) << row.name;
        if (row.error != nullptr) {
            EXPECT_EQ(document.error().what, row.error) << row.name;
        }
    }
}

TEST(Document, IsBoundedInTheNumberOfItsValues) {
    std::string text = "[0";
    for (int i = 0; i < 100'000; ++i) {
        text += ",0";
    }

    const auto document = parse_document(text + "]");

    ASSERT_TRUE(document.has_error());
    EXPECT_NE(document.error().what.find("more than 100000 values"), std::string::npos);
}

TEST(Document, TakesWhatFits) {
    EXPECT_TRUE(parse_document("\"" + std::string(document_size_max - 2, 'x') + "\"").has_value());
    EXPECT_TRUE(parse_document(std::string(16, '[') + std::string(16, ']')).has_value());
    EXPECT_TRUE(parse_document(" [1e400, 123456789012345678901234567890] \n").has_value());
}

TEST(Path, StandsInBracketsWhereUsersChooseNames) {
    EXPECT_EQ(path_of("$", "primaries"), "$.primaries");
    EXPECT_EQ(path_of("$", "a b"), "$[\"a b\"]");
    EXPECT_EQ(path_of("$", ""), "$[\"\"]");
    EXPECT_EQ(path_of("$", "1a"), "$[\"1a\"]");
    EXPECT_EQ(path_of("$.settings", "maxmemory"), "$.settings[\"maxmemory\"]");
    EXPECT_EQ(path_of("$.allow", std::size_t{2}), "$.allow[2]");
}

TEST(Quoted, ShortensBetweenCharacters) {
    EXPECT_EQ(in_quotes("a\"b\n"), "\"a\\\"b\\n\"");
    EXPECT_EQ(in_quotes(std::string(60, 'x')), "\"" + std::string(60, 'x') + "\"");
    EXPECT_EQ(in_quotes(std::string(61, 'x')), "\"" + std::string(60, 'x') + "...\"");
    EXPECT_EQ(in_quotes(std::string(59, 'x') + "\u00e4\u00e4"),
              "\"" + std::string(59, 'x') + "...\"");
}

TEST(Writer, WritesValidJsonWhateverTheTexts) {
    Writer writer;
    writer.object()
        .field("text", "a\"\\\n\r\t\x01\x7f")
        .field("utf8", "\u00e4\u20ac\U0001F600")
        .field("bytes", std::string_view("\xff|\xc3|\xe0\x80\x80|\xed\xa0\x80|\xf4\x90\x80\x80"))
        .field("number", std::uint64_t{18'446'744'073'709'551'615U})
        .field("real", 0.02)
        .field("yes", true);
    writer.key("list").array().value(std::uint32_t{1}).null().array().end().object().end().end();
    writer.key("raw").raw("{}").end();
    const std::string text = std::move(writer).text();

    EXPECT_EQ(text,
              "{\"text\":\"a\\\"\\\\\\n\\r\\t\\u0001\\u007f\",\"utf8\":\"\u00e4\u20ac\U0001F600\","
              "\"bytes\":\"\uFFFD|\uFFFD|\uFFFD\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD|"
              "\uFFFD\uFFFD\uFFFD\uFFFD\","
              "\"number\":18446744073709551615,\"real\":0.02,\"yes\":true,"
              "\"list\":[1,null,[],{}],\"raw\":{}}");
    EXPECT_TRUE(parse_document(text).has_value());
}

}  // namespace
}  // namespace rop::json
