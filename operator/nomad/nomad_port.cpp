#include "operator/nomad/nomad_port.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "api/path.hpp"
#include "operator/net/api_client.hpp"
#include "operator/nomad/parse.hpp"

namespace rop::nomad {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using net::in_answer;
using net::percent_encode;
using net::Target;
using ports::BlockingQuery;
using ports::Page;
using Method = net::HttpRequest::Method;

net::ApiOptions api_options(const NomadConfig& config) {
    net::ApiOptions options;
    options.server = config.server;
    options.product = "Nomad";
    options.token = config.token;
    options.token_file = config.token_file;
    options.basic_auth = config.basic_auth;
    options.tls = config.tls;
    options.deadline = config.deadline;
    // From recorded answers of 1.6.5 and 2.0.5: validation and check-and-set answer 500.
    options.refusals = {"Enforcing job modify index", "UUID must be 36 characters",
                        "No path to region",          "node not found",
                        "job already exists",         "errors occurred"};
    return options;
}

class RealNomad : public ports::NomadPort {
  public:
    RealNomad(ports::TimePort& time, ports::RandomPort& random, NomadConfig config)
        : config_(std::move(config)), api_(time, random, api_options(config_)) {}

    Answer<Page<std::vector<ports::Allocation>>> allocations(std::string nomad_namespace,
                                                             std::string job,
                                                             BlockingQuery query) override;
    Answer<Page<std::vector<ports::NomadNode>>> nodes(BlockingQuery query) override;
    Answer<ports::NomadNode> node(std::string id) override;
    Answer<GroupFacts> group(std::string nomad_namespace, std::string job,
                             std::string group) override;
    Answer<void> scale(NomadTarget target, std::uint32_t count, std::uint64_t job_modify_index,
                       std::string message) override;
    Answer<Page<std::optional<ports::VariableItems>>> variable(std::string nomad_namespace,
                                                               std::string path,
                                                               BlockingQuery query) override;

  private:
    [[nodiscard]] Target regional(std::string path) const;
    [[nodiscard]] Target of_job(const std::string& nomad_namespace, const std::string& job,
                                std::string_view what) const;

    NomadConfig config_;
    net::ApiClient api_;
};

Target RealNomad::regional(std::string path) const {
    Target target(std::move(path));
    target.with_optional("region", config_.region);
    return target;
}

Target RealNomad::of_job(const std::string& nomad_namespace, const std::string& job,
                         std::string_view what) const {
    Target target = regional("/v1/job/" + percent_encode(job) + std::string(what));
    target.with("namespace", nomad_namespace.empty() ? config_.nomad_namespace : nomad_namespace);
    return target;
}

asio::awaitable<Result<Page<std::vector<ports::Allocation>>>> RealNomad::allocations(
    std::string nomad_namespace, std::string job, BlockingQuery query) {
    // The job's own list and not /v1/allocations: it wakes for this job alone. `all` includes
    // what is left of a job of the same name that was purged: its processes may still run.
    Target target = of_job(nomad_namespace, job, "/allocations");
    target.with("all", "true");
    ROP_CO_TRY(const auto answer, co_await api_.read(target, query));
    if (!answer.is_success()) {
        co_return api_.refusal(answer);
    }
    Page<std::vector<ports::Allocation>> page;
    ROP_CO_TRY(page.value, in_answer(answer, parse_allocations(answer.response.body)));
    ROP_CO_TRY(page.index, api_.index_of(answer));
    co_return page;
}

asio::awaitable<Result<Page<std::vector<ports::NomadNode>>>> RealNomad::nodes(BlockingQuery query) {
    Target target = regional("/v1/nodes");
    ROP_CO_TRY(const auto answer, co_await api_.read(target, query));
    if (!answer.is_success()) {
        co_return api_.refusal(answer);
    }
    Page<std::vector<ports::NomadNode>> page;
    ROP_CO_TRY(page.value, in_answer(answer, parse_nodes(answer.response.body)));
    ROP_CO_TRY(page.index, api_.index_of(answer));
    co_return page;
}

asio::awaitable<Result<ports::NomadNode>> RealNomad::node(std::string id) {
    Target target = regional("/v1/node/" + percent_encode(id));
    ROP_CO_TRY(const auto answer, co_await api_.ask(Method::get, target));
    if (!answer.is_success()) {
        co_return api_.refusal(answer);
    }
    co_return in_answer(answer, parse_node(answer.response.body));
}

asio::awaitable<Result<GroupFacts>> RealNomad::group(std::string nomad_namespace, std::string job,
                                                     std::string group) {
    Target job_target = of_job(nomad_namespace, job, "");
    ROP_CO_TRY(const auto described, co_await api_.ask(Method::get, job_target));
    if (described.response.status == 404) {
        // Only Nomad's own 404 has an index: anything else is a wrong address, not a gone job.
        ROP_CO_TRY(api_.index_of(described));
        co_return GroupFacts{};
    }
    if (!described.is_success()) {
        co_return api_.refusal(described);
    }
    ROP_CO_TRY(GroupFacts facts, in_answer(described, parse_group(described.response.body, group)));

    Target deployment_target = of_job(nomad_namespace, job, "/deployment");
    ROP_CO_TRY(const auto deployment, co_await api_.ask(Method::get, deployment_target));
    if (!deployment.is_success()) {
        co_return api_.refusal(deployment);
    }
    ROP_CO_TRY(facts.deployment_active,
               in_answer(deployment, parse_deployment_active(deployment.response.body)));
    co_return facts;
}

asio::awaitable<Result<void>> RealNomad::scale(NomadTarget target, std::uint32_t count,
                                               std::uint64_t job_modify_index,
                                               std::string message) {
    const json::object body{{"Target", json::object{{"Group", target.group}}},
                            {"Count", count},
                            {"Message", message},
                            {"JobModifyIndex", job_modify_index}};
    Target scale_target = of_job(target.nomad_namespace, target.job, "/scale");
    std::string text = json::serialize(body);
    ROP_CO_TRY(const auto answer, co_await api_.ask(Method::post, scale_target, std::move(text)));
    if (!answer.is_success()) {
        co_return api_.refusal(answer);
    }
    co_return ok();
}

asio::awaitable<Result<Page<std::optional<ports::VariableItems>>>> RealNomad::variable(
    std::string nomad_namespace, std::string path, BlockingQuery query) {
    if (!is_clean_path(path)) {
        co_return Error{ErrorKind::rejected, "no Nomad variable can be called " + path};
    }
    Target target = regional("/v1/var/" + net::percent_encode_path(path));
    target.with("namespace", nomad_namespace.empty() ? config_.nomad_namespace : nomad_namespace);
    ROP_CO_TRY(const auto answer, co_await api_.read(target, query));
    Page<std::optional<ports::VariableItems>> page;
    if (answer.is_success()) {
        ROP_CO_TRY(page.value, in_answer(answer, parse_variable(answer.response.body)));
    } else if (answer.response.status != 404) {
        co_return api_.refusal(answer);
    }
    ROP_CO_TRY(page.index, api_.index_of(answer));
    co_return page;
}

}  // namespace

std::unique_ptr<ports::NomadPort> make_nomad_port(ports::TimePort& time, ports::RandomPort& random,
                                                  NomadConfig config) {
    return std::make_unique<RealNomad>(time, random, std::move(config));
}

}  // namespace rop::nomad
