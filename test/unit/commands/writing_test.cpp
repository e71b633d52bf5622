#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>

#include "test/unit/commands/workshop.hpp"

// validate, apply and delete.
namespace rop::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Apply = Workshop;
using Delete = Workshop;

SpecFile file(std::string text = cache_spec, std::string path = "cache.json",
              std::string name = "") {
    return SpecFile{std::move(path), std::move(text), std::move(name)};
}

constexpr auto wrong_spec = R"({"version": 1, "mode": "cluster", "primaires": 3,
    "service": "redis-cache", "replicasPerPrimary": 9,
    "auth": {"password": {"file": 7, "value": "hunter2"}}})";

TEST(Validate, AcceptsASoundSpec) {
    const Outcome outcome = validate(file(), Format::text);
    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.out,
              "cache: valid: 3 primaries with 1 replica each, service redis-cache, Nomad "
              "redis-cache/redis\n");
    const auto answer = boost::json::parse(validate(file(), Format::json).out);
    EXPECT_EQ(answer.at("valid"), true);
    EXPECT_EQ(answer.at("name"), "cache");
}

TEST(Validate, ListsEveryProblemAndNoSecret) {
    const Outcome outcome = validate(file(wrong_spec), Format::text);
    EXPECT_EQ(outcome.code, ExitCode::bad_usage);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr("error: cache.json is not a valid spec"), HasSubstr("$.primaires"),
                      HasSubstr("did you mean primaries?"), HasSubstr("$.replicasPerPrimary: 9"),
                      ::testing::Not(HasSubstr("hunter2"))));

    const Outcome json = validate(file(wrong_spec), Format::json);
    EXPECT_EQ(json.code, ExitCode::bad_usage);
    const auto answer = boost::json::parse(json.out);
    EXPECT_EQ(answer.at("valid"), false);
    EXPECT_GE(answer.at("problems").as_array().size(), 3U);
    EXPECT_EQ(answer.at("problems").at(0).at("path"), "$.primaires");
}

TEST(Validate, TakesTheNameFromFlagDocumentOrFile) {
    constexpr auto named = R"({"version": 1, "name": "inside", "mode": "cluster", "primaries": 3,
                               "service": "redis-cache"})";
    const auto name_in = [](const SpecFile& from) {
        const Outcome outcome = validate(from, Format::text);
        return outcome.code == ExitCode::done ? outcome.out.substr(0, outcome.out.find(':'))
                                              : outcome.err;
    };
    EXPECT_EQ(name_in(file(named, "specs/stem.prod.json")), "inside");
    EXPECT_EQ(name_in(file(cache_spec, "specs/stem.prod.json")), "stem");
    EXPECT_EQ(name_in(file(cache_spec, "-", "given")), "given");
    EXPECT_THAT(name_in(file(named, "x.json", "other")), HasSubstr("$.name"));
    EXPECT_THAT(name_in(file(cache_spec, "-")), HasSubstr("give --name NAME"));
    EXPECT_THAT(
        name_in(file(cache_spec, "My Cache.json")),
        AllOf(HasSubstr("$.name: \"My Cache\": must be"),
              HasSubstr("the file's name: give --name NAME"), HasSubstr("did you mean my-cache?")));
}

TEST(Validate, ListsABadNameAmongTheOtherProblems) {
    const auto paths = [](const SpecFile& from) {
        const auto answer = boost::json::parse(validate(from, Format::json).out);
        std::string text;
        for (const auto& problem : answer.at("problems").as_array()) {
            text += std::string(problem.at("path").as_string()) + " ";
        }
        return text;
    };
    constexpr auto rest = R"("version": 1, "mode": "cluster", "primaries": 0, "service": "s"})";
    const std::string named = std::string(R"({"name": "Cache_1", )") + rest;
    EXPECT_EQ(paths(file(named)), "$.name $.primaries ");
    EXPECT_EQ(paths(file(std::string("{") + rest, "My Cache.json")), "$.name $.primaries ");
    EXPECT_EQ(paths(file(std::string("{") + rest, "-")), "$.name $.primaries ");
    EXPECT_EQ(paths(file(named, "cache.json", "Nope!")), "$.name $.name $.primaries ");
    EXPECT_THAT(validate(file(named), Format::text).err, HasSubstr("did you mean cache-1?"));
}

TEST(Validate, SurvivesAnyBytes) {
    for (const std::string text : {"", "{", "[]", "null", "\xff\xfe", "{\"name\": 7}"}) {
        EXPECT_EQ(validate(file(text), Format::text).code, ExitCode::bad_usage) << text;
    }
}

TEST_F(Apply, CreatesAndSaysWhatHappensNext) {
    const Outcome outcome = run(apply(tools(), ApplyRequest{file()}));
    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.out,
              "cache: created: 3 primaries with 1 replica each, service redis-cache, Nomad "
              "redis-cache/redis\n"
              "next: nobody leads, so nothing happens yet: is a redis-operator running? Consul "
              "shows none: start one with redis-operator run\n");
    const auto stored = consul_.get(key(cache, "spec"));
    ASSERT_TRUE(stored.has_value());
    EXPECT_EQ(json::parse_spec(stored->value, "cache").spec,
              json::parse_spec(cache_spec, "cache").spec);
}

TEST_F(Apply, NamesTheLeader) {
    elect();
    EXPECT_THAT(run(apply(tools(), ApplyRequest{file()})).out,
                HasSubstr("next: host-1 leads and makes it true; follow it with redis-operator "
                          "wait cache --for ready"));
}

TEST_F(Apply, ChangesOnlyWhatDiffers) {
    run(apply(tools(), ApplyRequest{file()}));
    const std::uint64_t index = spec_index();
    EXPECT_THAT(run(apply(tools(), ApplyRequest{file()})).out, HasSubstr("cache: unchanged: "));
    EXPECT_EQ(spec_index(), index);

    std::string bigger = cache_spec;
    bigger.replace(bigger.find("\"primaries\": 3"), 14, "\"primaries\": 5");
    const auto answer =
        boost::json::parse(run(apply(tools(Format::json), ApplyRequest{file(bigger)})).out);
    EXPECT_EQ(answer.at("result"), "changed");
    EXPECT_EQ(answer.at("specIndex").to_number<std::uint64_t>(), spec_index());
    EXPECT_TRUE(answer.at("leader").is_null());
    EXPECT_GT(spec_index(), index);
}

TEST_F(Apply, WarnsOfAServiceThatAnotherClusterHas) {
    declare(ClusterName{"other"});
    for (const bool dry_run : {true, false}) {
        const Outcome outcome = run(apply(tools(), ApplyRequest{file(), dry_run}));
        EXPECT_EQ(outcome.code, ExitCode::done);
        EXPECT_THAT(outcome.err,
                    HasSubstr("warning: cluster cache will be refused as ServiceTaken: $.service: "
                              "redis-cache belongs to cluster other"));
    }
    const std::string elsewhere =
        R"({"version": 1, "mode": "cluster", "primaries": 3, "service": "elsewhere"})";
    EXPECT_EQ(run(apply(tools(), ApplyRequest{file(elsewhere)})).err, "");
}

TEST_F(Apply, WarnsOfANomadGroupThatAnotherClusterHas) {
    declare(ClusterName{"other"});
    std::string beside = cache_spec;
    beside.replace(beside.find("\"service\": \"redis-cache\""), 24, "\"service\": \"beside\"");
    EXPECT_THAT(run(apply(tools(), ApplyRequest{file(beside)})).err,
                HasSubstr("warning: cluster cache will be refused as ServiceTaken: $.nomad: group "
                          "redis of job redis-cache belongs to cluster other"));
}

TEST_F(Apply, WarnsTheOneThatWillBeRefused) {
    declare();
    remember();  // Its record names what is formed: it stays.
    declare(ClusterName{"aaa"});
    EXPECT_THAT(run(apply(tools(), ApplyRequest{file()})).err,
                HasSubstr("warning: cluster aaa will be refused as ServiceTaken"));
}

TEST_F(Apply, NamesWhatIsNotServedYet) {
    const std::string wishes =
        R"({"version": 1, "mode": "cluster", "primaries": 3, "service": "s", "allow": ["adopt"],
            "settings": {"maxmemory": "1gb"}, "balance": {"weights": {"a": 2}}})";
    for (const auto& out : {run(apply(tools(), ApplyRequest{file(wishes)})).out,
                            validate(file(wishes), Format::text).out}) {
        EXPECT_THAT(out, AllOf(HasSubstr("\nnote: settings are checked and not applied yet"),
                               HasSubstr("\nnote: slots are not moved yet")));
    }
    const auto answer = boost::json::parse(validate(file(wishes), Format::json).out);
    EXPECT_EQ(answer.at("notes").as_array().size(), 2U);
    EXPECT_EQ(validate(file(), Format::text).out.find("note:"), std::string::npos);
}

TEST_F(Apply, WritesNothingThatIsWrong) {
    const Outcome outcome = run(apply(tools(), ApplyRequest{file(wrong_spec)}));
    EXPECT_EQ(outcome.code, ExitCode::bad_usage);
    EXPECT_THAT(outcome.err, HasSubstr("$.primaires"));
    EXPECT_EQ(consul_.get(key(cache, "spec")), std::nullopt);
    EXPECT_EQ(line_.calls, 0U) << "a file that is wrong needs no Consul";
}

TEST_F(Apply, ReplacesASpecThatIsWrong) {
    declare(cache, wrong_spec);
    EXPECT_THAT(run(apply(tools(), ApplyRequest{file()})).out, HasSubstr("cache: changed: "));
}

TEST_F(Apply, RefusesWhatMayNotChange) {
    remember();
    std::string other = cache_spec;
    other.replace(other.find("\"cluster\""), 9, "\"replication\"");
    other.replace(other.find("\"primaries\": 3"), 14, "\"primaries\": 1");
    const Outcome outcome = run(apply(tools(), ApplyRequest{file(other)}));
    EXPECT_EQ(outcome.code, ExitCode::bad_usage);
    EXPECT_THAT(outcome.err, HasSubstr("$.mode"));
    EXPECT_EQ(consul_.get(key(cache, "spec")), std::nullopt);
}

TEST_F(Apply, DryRunShowsThePlanAndWritesNothing) {
    plan_.findings = {Finding{.about = ConditionType::formed,
                              .reason = "TooFewInstances",
                              .what = "4 instances are missing",
                              .instance = {}}};
    const Outcome outcome = run(apply(tools(), ApplyRequest{file(), true}));
    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.out,
              "cache: Pending (TooFewInstances): 2 of 6 instances answer\n"
              "A leader would begin with:\n" +
                  to_string(plan_) + "Nothing was written: --dry-run.\n");
    EXPECT_EQ(looked_instead_, json::parse_spec(cache_spec, "cache").spec);
    EXPECT_EQ(consul_.get(key(cache, "spec")), std::nullopt);

    const auto answer =
        boost::json::parse(run(apply(tools(Format::json), ApplyRequest{file(), true})).out);
    EXPECT_EQ(answer.at("result"), "dry-run");
    EXPECT_TRUE(answer.at("plan").is_object());
}

/// Consul as it is when somebody else writes between our look and our write.
class Racing : public testing::FakeConsulClient {
  public:
    Racing(testing::FakeConsul* consul, ports::TimePort* time)
        : FakeConsulClient(consul, time), store_(consul) {}

    Answer<ports::TxnAnswer> txn(std::vector<ports::TxnOp> operations) override {
        store_->put("redis-operator/clusters/cache/spec", "{}");
        co_return co_await FakeConsulClient::txn(std::move(operations));
    }

  private:
    testing::FakeConsul* store_;
};

TEST_F(Apply, LosesARaceWithoutOverwriting) {
    Racing racing(&consul_, &time_);
    Toolbox toolbox = tools();
    toolbox.store = Store(&racing, "redis-operator/", "http://127.0.0.1:8500");
    const Outcome outcome = run(apply(toolbox, ApplyRequest{file()}));
    EXPECT_EQ(outcome.code, ExitCode::failed);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("somebody else changed the spec"),
                                   HasSubstr("nothing was written"), HasSubstr("apply again")));
    EXPECT_EQ(consul_.get(key(cache, "spec"))->value, "{}");
}

TEST_F(Delete, EndsManagementAndKeepsTheRecord) {
    declare();
    remember();
    const Outcome outcome = run(delete_cluster(tools(), DeleteRequest{cache}));
    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.out,
              "cache: not managed any more. Its instances, jobs and data were not touched.\n"
              "next: its record is kept: redis-operator apply FILE --name cache resumes where it "
              "was\n");
    EXPECT_EQ(consul_.get(key(cache, "spec")), std::nullopt);
    EXPECT_TRUE(consul_.get(key(cache, "record")).has_value());
}

// Without its record a formed cluster is only looked at, until adoption is consented to.
TEST_F(Delete, ForgetsWhatIsFormedOnlyWhenToldTwice) {
    for (const auto state : {RecordState::forming, RecordState::formed}) {
        declare();
        remember(state);
        publish(ready());
        const Outcome refused = run(delete_cluster(tools(), DeleteRequest{cache, true}));
        EXPECT_EQ(refused.code, ExitCode::failed);
        EXPECT_THAT(refused.err, AllOf(HasSubstr("nothing was deleted"),
                                       HasSubstr("the record is " + std::string(to_string(state))),
                                       HasSubstr("ExistingCluster"), HasSubstr("[\"adopt\"]"),
                                       HasSubstr("--forget-record --yes")));
        EXPECT_TRUE(consul_.get(key(cache, "spec")).has_value());

        const Outcome told = run(delete_cluster(tools(), DeleteRequest{cache, true, true}));
        EXPECT_EQ(told.code, ExitCode::done);
        EXPECT_THAT(told.out, AllOf(HasSubstr("not touched"), HasSubstr("record forgotten"),
                                    HasSubstr("ExistingCluster")));
        for (const auto* part : {"spec", "record", "status"}) {
            EXPECT_EQ(consul_.get(key(cache, part)), std::nullopt) << part;
        }
    }
}

TEST_F(Delete, TakesARecordThatItCannotReadForAFormedOne) {
    consul_.put(key(cache, "record"), "{");
    EXPECT_THAT(run(delete_cluster(tools(), DeleteRequest{cache, true})).err,
                AllOf(HasSubstr("cannot be read"), HasSubstr("--yes")));
    EXPECT_TRUE(consul_.get(key(cache, "record")).has_value());
}

TEST_F(Delete, SpeaksOfWhatThereWas) {
    declare();
    EXPECT_EQ(run(delete_cluster(tools(), DeleteRequest{cache})).out,
              "cache: not declared any more; nothing had been formed.\n");
    declare();
    remember(RecordState::accepted);
    EXPECT_EQ(run(delete_cluster(tools(), DeleteRequest{cache, true})).out,
              "cache: not declared any more; nothing had been formed.\n"
              "cache: record forgotten; a later apply begins anew.\n");
    remember(RecordState::accepted);
    EXPECT_THAT(run(delete_cluster(tools(), DeleteRequest{cache})).err,
                AllOf(HasSubstr("not declared any more"), HasSubstr("nothing was formed yet"),
                      HasSubstr("--forget-record")));
    remember(RecordState::formed);
    EXPECT_THAT(run(delete_cluster(tools(), DeleteRequest{cache})).err,
                AllOf(HasSubstr("not declared any more"), HasSubstr("resumes where it was"),
                      ::testing::Not(HasSubstr("--forget-record"))));
}

/// Consul for a token that may read only: transactions answer 403 with the reason.
class ReadOnly : public testing::FakeConsulClient {
  public:
    using FakeConsulClient::FakeConsulClient;

    Answer<ports::TxnAnswer> txn(std::vector<ports::TxnOp>) override {
        ports::TxnAnswer answer;
        answer.errors = {"Permission denied"};
        co_return answer;
    }
};

TEST_F(Delete, NamesTheRightThatIsMissing) {
    declare();
    ReadOnly denied(&consul_, &time_);
    Toolbox toolbox = tools();
    toolbox.store = Store(&denied, "redis-operator/", "http://127.0.0.1:8500");
    const std::string right = "key_prefix \"redis-operator/clusters/\" { policy = \"write\" }";
    EXPECT_THAT(
        run(delete_cluster(toolbox, DeleteRequest{cache})).err,
        AllOf(HasSubstr("nothing was deleted"), HasSubstr("Permission denied"), HasSubstr(right)));
    EXPECT_THAT(run(apply(toolbox, ApplyRequest{file(cache_spec, "other.json")})).err,
                AllOf(HasSubstr("Permission denied"), HasSubstr(right)));
}

TEST_F(Delete, SaysWhenThereIsNothing) {
    const Outcome outcome = run(delete_cluster(tools(), DeleteRequest{cache, true}));
    EXPECT_EQ(outcome.code, ExitCode::failed);
    EXPECT_THAT(outcome.err, HasSubstr("cache is not declared"));
}

TEST_F(Delete, LosesARaceWithoutDeleting) {
    declare();
    Racing racing(&consul_, &time_);
    Toolbox toolbox = tools();
    toolbox.store = Store(&racing, "redis-operator/", "http://127.0.0.1:8500");
    const Outcome outcome = run(delete_cluster(toolbox, DeleteRequest{cache}));
    EXPECT_EQ(outcome.code, ExitCode::failed);
    EXPECT_THAT(outcome.err, HasSubstr("nothing was deleted"));
    EXPECT_TRUE(consul_.get(key(cache, "spec")).has_value());
}

}  // namespace
}  // namespace rop::commands
