#include "api/json/spec_values.hpp"

#include <gtest/gtest.h>

namespace rop::json {
namespace {

struct Row {
    const char* name;
    bool (*holds)(std::string_view);
    std::vector<std::string> right;
    std::vector<std::string> wrong;
};

std::vector<Row> rows() {
    return {
        {"cluster name",
         &is_cluster_name,
         {"a", "0", "cache-1", "a-", std::string(63, 'a')},
         {"", "-a", "A", "a_b", "a.b", "ä", std::string(64, 'a')}},
        {"service",
         &is_service_name,
         {"redis", "Redis_1.x", std::string(128, 'a')},
         {"", "a b", "a/b", "a?b", std::string(129, 'a')}},
        {"job",
         &is_job_word,
         {"redis-cache", "parent/dispatch-1", "jöb"},
         {"", "a b", "a\tb", std::string(129, 'a')}},
        {"namespace", &is_namespace, {"default", "a_B-1"}, {"", "*", "a b"}},
        {"variable", &is_variable_name, {"P", "_x1", "REDIS_PASSWORD"}, {"", "1X", "a-b", "a=b"}},
        {"spread",
         &is_spread,
         {"host", "datacenter", "meta.rack", "meta.a.b_c-d"},
         {"", "hosts", "meta", "meta.", "meta.a b", "Host"}},
        {"path", &is_path, {"/secrets/redis", "secrets/redis", "a"}, {"", "/", "/a/", "/a\n"}},
        {"cron",
         &is_cron,
         {"0 3 * * *", "*/15 * * * *", "0,30 1-5 1-31/2 1,2,12 0-7", "59 23 31 12 7"},
         {"",           "0 3 * *",    "0 3 * * * *", "60 3 * * *",   "0 24 * * *", "0 3 0 * *",
          "0 3 * 13 *", "0 3 * * 8",  "5-1 * * * *", "*/0 * * * *",  "*/ * * * *", "5/2 * * * *",
          "a * * * *",  "@daily",     "0  3 * * *",  " 0 3 * * *",   "0 3 * * * ", "1, * * * *",
          ",1 * * * *", "-1 * * * *", "1- * * * *",  "00001 * * * *"}},
        {"backup target",
         &is_backup_target,
         {"s3://bucket", "s3://bucket/prefix/x", "file:///var/backups"},
         {"", "s3://", "s3:///x", "s3://key:secret@bucket", "s3://b?x=1", "s3://b#f", "file://x",
          "file:///", "http://x", "s3://a b", "/var/backups"}},
    };
}

TEST(SpecValues, AreWhatTheirRulesSay) {
    for (const auto& row : rows()) {
        for (const auto& text : row.right) {
            EXPECT_TRUE(row.holds(text)) << row.name << ": " << text;
        }
        for (const auto& text : row.wrong) {
            EXPECT_FALSE(row.holds(text)) << row.name << ": " << text;
        }
    }
}

TEST(Size, ReadsUnitsAsRedisDoes) {
    EXPECT_EQ(parse_size("1mb"), 1'048'576U);
    EXPECT_EQ(parse_size("1m"), 1'000'000U);
    EXPECT_EQ(parse_size("3b"), 3U);
    EXPECT_EQ(parse_size("2gb"), 2'147'483'648U);
    for (const auto* text : {"", "1", "mb", "-1mb", "1.5mb", "1MB", "1 mb", "99999999999999gb",
                             "99999999999999999999b"}) {
        EXPECT_EQ(parse_size(text), std::nullopt) << text;
    }
}

TEST(Size, RoundTrips) {
    for (const auto* text : {"0b", "1b", "1023b", "1kb", "1k", "1mb", "512kb", "3m", "1gb", "1g"}) {
        EXPECT_EQ(write_size(*parse_size(text)), text);
    }
}

}  // namespace
}  // namespace rop::json
