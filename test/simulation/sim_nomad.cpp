#include "test/simulation/sim_nomad.hpp"

#include <utility>

#include "test/simulation/sim_blocking.hpp"
#include "test/simulation/sim_call.hpp"

namespace rop::simulation {
namespace {

namespace asio = boost::asio;
using ports::BlockingQuery;
using ports::Page;

class SimNomad : public ports::NomadPort {
  public:
    SimNomad(SimNomadContext context, asio::any_io_executor executor)
        : context_(std::move(context)), executor_(std::move(executor)) {}

    Answer<Page<std::vector<ports::Allocation>>> allocations(std::string nomad_namespace,
                                                             std::string job,
                                                             BlockingQuery query) override {
        auto look = [this, nomad_namespace, job, query] {
            const bool old = !query.consistent && forgot("allocations");
            return context_.nomad->allocations(nomad_namespace, job, old);
        };
        auto index = [nomad = context_.nomad] { return nomad->index(); };
        Result<Page<std::vector<ports::Allocation>>> answer =
            co_await read<std::vector<ports::Allocation>>(std::move(look), std::move(index), query);
        // Who looks once more before it believes in an absence rests on what is watched.
        if (answer.has_value() || query.index > 0) {
            answered("allocations", answer.has_value());
        }
        co_return answer;
    }

    Answer<Page<std::vector<ports::NomadNode>>> nodes(BlockingQuery query) override {
        auto look = [this, query] {
            return context_.nomad->nodes(!query.consistent && forgot("nodes"));
        };
        auto index = [nomad = context_.nomad] { return nomad->nodes_index(); };
        Result<Page<std::vector<ports::NomadNode>>> answer =
            co_await read<std::vector<ports::NomadNode>>(std::move(look), std::move(index), query);
        answered("nodes", answer.has_value());
        co_return answer;
    }

    Answer<ports::NomadNode> node(std::string id) override {
        auto work = [nomad = context_.nomad, id]() -> Result<ports::NomadNode> {
            for (const ports::NomadNode& host : nomad->hosts()) {
                if (host.id == id) {
                    return host;
                }
            }
            return Error{ErrorKind::rejected, "node not found"};
        };
        return run<ports::NomadNode>(std::move(work));
    }

    /// There are none: specs of simulated clusters name no password.
    Answer<Page<std::optional<ports::VariableItems>>> variable(std::string, std::string,
                                                               BlockingQuery) override {
        auto work = []() -> Result<Page<std::optional<ports::VariableItems>>> {
            return Page<std::optional<ports::VariableItems>>{std::nullopt, 1};
        };
        return run<Page<std::optional<ports::VariableItems>>>(std::move(work));
    }

    Answer<GroupFacts> group(std::string nomad_namespace, std::string job,
                             std::string group) override {
        auto work = [this, nomad_namespace, job, group]() -> Result<GroupFacts> {
            return context_.nomad->group(nomad_namespace, job, group, forgot("group"));
        };
        Result<GroupFacts> answer = co_await run<GroupFacts>(std::move(work));
        answered("group", answer.has_value());
        co_return answer;
    }

    Answer<void> scale(NomadTarget target, std::uint32_t count, std::uint64_t job_modify_index,
                       std::string message) override {
        if (context_.observer != nullptr) {
            context_.observer->scale_asked(context_.process->name(), count);
        }
        auto work = [this, target, count, job_modify_index, message]() -> Result<void> {
            auto answer = context_.nomad->scale(target, count, job_modify_index);
            if (answer && context_.scaled) {
                context_.scaled(context_.process->name(), count);
            }
            return answer;
        };
        return run<void>(std::move(work), "scale the group to " + std::to_string(count));
    }

  private:
    bool forgot(const std::string& question) {
        return context_.nomad->forgot(context_.process->name(), question);
    }

    void answered(const std::string& question, bool well) {
        if (context_.observer != nullptr) {
            context_.observer->nomad_answered(context_.process->name(), question, well);
        }
    }

    template <class T>
    SimCall<T> call() {
        return SimCall<T>(*context_.clock, *context_.faults, *context_.process, &context_.line,
                          executor_);
    }

    template <class T>
    Answer<Page<T>> read(std::function<Page<T>()> look, std::function<std::uint64_t()> index,
                         BlockingQuery query) {
        BlockingServer<T> server;
        server.look = std::move(look);
        server.index = std::move(index);
        server.refusal = [nomad = context_.nomad, faults = context_.faults] {
            const auto why = nomad->refusal();
            return why ? why : faults->refusal();
        };
        server.wait = [nomad = context_.nomad](std::function<bool()> waiter) {
            nomad->wait(std::move(waiter));
        };
        return block<T>(call<Page<T>>(), std::move(server), query, context_.clock, context_.faults,
                        {});
    }

    template <class T>
    Answer<T> run(std::function<Result<T>()> work, std::string effect = {}) {
        const SimCall<T> request = call<T>();
        auto arrive = [request, work = std::move(work), effect = std::move(effect),
                       context = &context_] {
            const auto struck = [&](bool happened) {
                return !effect.empty() &&
                       context->faults->struck(context->process->name(), effect, happened);
            };
            std::optional<Error> why = context->nomad->refusal();
            why = why ? why : context->faults->refusal();
            if (why) {
                request.fail(context->faults->latency(), *why);
            } else if (!struck(false)) {
                auto answer = work();
                if (!struck(true)) {
                    request.answer(std::move(answer));
                }
            }
        };
        request.send(std::move(arrive));
        Result<T> answer = co_await request.wait();
        co_return answer;
    }

    SimNomadContext context_;
    asio::any_io_executor executor_;
};

}  // namespace

std::unique_ptr<ports::NomadPort> make_sim_nomad(SimNomadContext context,
                                                 asio::any_io_executor executor) {
    return std::make_unique<SimNomad>(std::move(context), std::move(executor));
}

}  // namespace rop::simulation
