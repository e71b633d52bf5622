#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "operator/commands/program.hpp"
#include "test/unit/commands/workshop.hpp"

// Whatever fails, says what it is about and what to do next: docs/reference/cli.md promises it.
namespace rop::commands {
namespace {

using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;

void expect_next_step(const Outcome& outcome, const std::string& when) {
    EXPECT_NE(outcome.code, ExitCode::done) << when;
    EXPECT_EQ(outcome.out, "") << when;
    const std::string& err = outcome.err;
    EXPECT_TRUE(err.starts_with("error: ") || outcome.code == ExitCode::not_so) << when << err;
    const std::size_t next = err.find("\nnext: ");
    ASSERT_NE(next, std::string::npos) << when << ": " << err;
    EXPECT_EQ(next, err.rfind("\nnext: ")) << when << ": more than one: " << err;
    EXPECT_EQ(err.find('\n', next + 1), err.size() - 1) << when << ": not the last line: " << err;
    EXPECT_GT(err.size() - next, std::string("\nnext: ").size() + 10) << when << ": " << err;
}

/// Consul that answers all but what is asked for here with a refusal of its own.
class Stubborn : public testing::FakeConsulClient {
  public:
    Stubborn(testing::FakeConsul* consul, ports::TimePort* time, Error error)
        : FakeConsulClient(consul, time), error_(std::move(error)) {}

    Answer<ports::Page<std::vector<ports::KvEntry>>> kv_list(std::string,
                                                             ports::BlockingQuery) override {
        co_return error_;
    }
    Answer<ports::Page<std::optional<ports::KvEntry>>> kv_get(std::string,
                                                              ports::BlockingQuery) override {
        co_return error_;
    }

  private:
    Error error_;
};

/// Reads as ever, and answers every write with `answer`.
class Unwritable : public testing::FakeConsulClient {
  public:
    Unwritable(testing::FakeConsul* consul, ports::TimePort* time, Result<ports::TxnAnswer> answer)
        : FakeConsulClient(consul, time), answer_(std::move(answer)) {}

    Answer<ports::TxnAnswer> txn(std::vector<ports::TxnOp>) override { co_return answer_; }

  private:
    Result<ports::TxnAnswer> answer_;
};

class Errors : public Workshop {
  protected:
    using Command = std::function<Answering(Toolbox)>;

    static std::map<std::string, Command> commands() {
        const SpecFile file{"cache.json", cache_spec, ""};
        return {
            {"apply", [=](Toolbox t) { return apply(std::move(t), ApplyRequest{file}); }},
            {"dry run",
             [=](Toolbox t) {
                 return apply(std::move(t), ApplyRequest{file, true});
             }},
            {"delete",
             [](Toolbox t) { return delete_cluster(std::move(t), DeleteRequest{cache}); }},
            {"forget",
             [](Toolbox t) {
                 return delete_cluster(std::move(t), DeleteRequest{cache, true});
             }},
            {"get", [](Toolbox t) { return get(std::move(t), GetRequest{}); }},
            {"get cache", [](Toolbox t) { return get(std::move(t), GetRequest{.name = cache}); }},
            {"describe", [](Toolbox t) { return describe(std::move(t), cache); }},
            {"events", [](Toolbox t) { return events(std::move(t), cache); }},
            {"plan", [](Toolbox t) { return plan(std::move(t), cache); }},
            {"wait", [](Toolbox t) { return wait(std::move(t), WaitRequest{.name = cache}); }},
        };
    }

    Toolbox with(ports::ConsulPort& consul) {
        Toolbox toolbox = tools();
        toolbox.store = Store(&consul, "redis-operator/", "http://127.0.0.1:8500");
        return toolbox;
    }
};

TEST_F(Errors, OfConsulHaveANextStep) {
    for (const auto kind : {ErrorKind::unavailable, ErrorKind::denied, ErrorKind::malformed,
                            ErrorKind::rejected, ErrorKind::cancelled, ErrorKind::fenced}) {
        Stubborn consul(&consul_, &time_, Error{kind, "it said no"});
        for (const auto& [name, command] : commands()) {
            const Outcome outcome = run(command(with(consul)));
            expect_next_step(outcome, name);
            EXPECT_THAT(outcome.err, HasSubstr("Consul at http://127.0.0.1:8500")) << name;
            EXPECT_THAT(outcome.err, HasSubstr("it said no")) << name;
        }
    }
}

TEST_F(Errors, OfWhatIsNotDeclaredHaveANextStep) {
    for (const bool is_kept : {false, true}) {
        if (is_kept) {
            remember();
        }
        for (const auto& [name, command] : commands()) {
            if (name == "apply" || name == "dry run" || name == "get") {
                continue;
            }
            const Outcome outcome = run(command(tools()));
            expect_next_step(outcome, name);
            EXPECT_THAT(outcome.err, HasSubstr("cache")) << name;
        }
    }
}

TEST_F(Errors, OfWritingHaveANextStep) {
    ports::TxnAnswer denied;
    denied.errors = {"Permission denied"};
    ports::TxnAnswer raced;
    raced.errors = {"index is stale"};
    const std::vector<Result<ports::TxnAnswer>> answers{
        denied, raced, ports::TxnAnswer{}, Error{ErrorKind::unavailable, "connection reset"}};
    for (const auto& answer : answers) {
        declare(cache, "{}");
        Unwritable consul(&consul_, &time_, answer);
        for (const auto* name : {"apply", "delete"}) {
            expect_next_step(run(commands().at(name)(with(consul))), name);
        }
    }
}

TEST_F(Errors, OfLookingHaveANextStep) {
    declare();
    look_fails_ = Error{ErrorKind::unavailable, "no answer"};
    for (const auto* name : {"dry run", "plan"}) {
        expect_next_step(run(commands().at(name)(tools())), name);
    }
}

TEST_F(Errors, OfWaitingHaveANextStep) {
    const auto late = [&] {
        return run(wait(tools(), WaitRequest{.name = cache, .timeout = std::chrono::seconds(1)}));
    };
    declare();
    expect_next_step(late(), "nobody leads");
    elect();
    expect_next_step(late(), "no status");
    ClusterStatus status = ready();
    status.phase = Phase::degraded;
    publish(status);
    expect_next_step(late(), "degraded");
}

TEST_F(Errors, OfForgettingWhatIsFormedHaveANextStep) {
    declare();
    for (const auto state : {RecordState::forming, RecordState::formed}) {
        remember(state);
        expect_next_step(run(commands().at("forget")(tools())), std::string(to_string(state)));
    }
}

/// What can be wrong before anybody is asked.
TEST(ProgramErrors, HaveANextStep) {
    const std::vector<std::vector<std::string>> lines{
        {},
        {"aply"},
        {"apply"},
        {"get", "--lsten", "x"},
        {"get", "-o", "xml"},
        {"get", "No_Name"},
        {"wait", "cache", "--timeout", "60"},
        {"validate", "/does/not/exist.json"},
        {"validate", "/"},
        {"validate", "/dev/zero"},
        {"validate", "/dev/null"},
        {"apply", "/dev/null"},
        {"get", "--config", "/does/not/exist.json"},
        {"get", "--config", "/dev/null"},
        {"get", "--consul-address", "nonsense"},
        {"plan", "cache", "--nomad-address", "nonsense"},
        {"run", "--listen", "nonsense"},
        {"run", "--listen", "192.0.2.1:9480"},
        {"run", "--resync", "soon"},
        {"run", "--nomad-address", "nonsense"},
        {"run", "--consul-address", "nonsense"},
    };
    for (const auto& words : lines) {
        std::string line;
        for (const auto& word : words) {
            line += word + " ";
        }
        expect_next_step(run_program(words, Surroundings{}), line);
    }
}

/// Whoever writes one past failure() need not give a next step.
TEST(ProgramErrors, AreWrittenInOnePlace) {
    for (const auto& entry :
         std::filesystem::directory_iterator(ROP_SOURCE_DIR "/operator/commands")) {
        std::ifstream file(entry.path());
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        EXPECT_THAT(
            entry.path().filename().string(),
            AnyOf(Eq("outcome.hpp"),
                  ::testing::ResultOf([&](const std::string&) { return text.find("\"error: "); },
                                      Eq(std::string::npos))));
    }
}

}  // namespace
}  // namespace rop::commands
