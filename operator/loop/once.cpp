#include "operator/loop/once.hpp"

#include <utility>

#include "operator/loop/documents.hpp"
#include "operator/loop/look.hpp"
#include "reconcilers/registry.hpp"

namespace rop::loop {

namespace asio = boost::asio;

namespace {

View fresh_view(Moment now) {
    return View{.configured = true, .seen = true, .certain = true, .why = {}, .at = now};
}

asio::awaitable<Result<>> ask_nomad(Ports ports, ClusterSpec spec,
                                    std::shared_ptr<observe::Observations> seen) {
    seen->nomad.configured = true;
    seen->nomad_group = spec.nomad->group;
    if (ports.nomad == nullptr) {
        seen->nomad.why = "no address of Nomad was given: set NOMAD_ADDR";
        co_return ok();
    }
    const ports::BlockingQuery now;
    const NomadTarget target = *spec.nomad;
    auto allocations = co_await ports.nomad->allocations(target.nomad_namespace, target.job, now);
    auto nodes = co_await ports.nomad->nodes(now);
    auto group = co_await ports.nomad->group(target.nomad_namespace, target.job, target.group);
    if (allocations.has_error() || nodes.has_error() || group.has_error()) {
        seen->nomad.why = allocations.has_error() ? allocations.error().what
                          : nodes.has_error()     ? nodes.error().what
                                                  : group.error().what;
        co_return ok();
    }
    seen->allocations = std::move(allocations).value().value;
    seen->nodes = std::move(nodes).value().value;
    seen->group = group.value();
    seen->nomad = fresh_view(ports.time->now());
    co_return ok();
}

}  // namespace

asio::awaitable<Result<OnceView>> look_once(Ports ports, CoreOptions options, ClusterName name,
                                            std::optional<ClusterSpec> instead) {
    const std::string prefix = options.leadership.kv_prefix;
    const ports::BlockingQuery now;
    ROP_CO_TRY(auto page, co_await ports.consul->kv_list(prefix + "clusters/", now));
    Catalogue catalogue = read_documents(page.value, prefix);
    Documents documents = std::move(catalogue.clusters[name]);
    if (instead) {
        SpecOffer offer;
        offer.modify_index = documents.offer ? documents.offer->modify_index : 0;
        offer.create_index = documents.offer ? documents.offer->create_index : 0;
        offer.spec = std::move(instead);
        documents.offer = std::move(offer);
    }
    if (!documents.offer) {
        co_return Error{ErrorKind::rejected, "no cluster " + name.value() + " is declared"};
    }
    if (!documents.record_problem.empty()) {
        co_return Error{ErrorKind::malformed,
                        "the record of " + name.value() + ": " + documents.record_problem};
    }
    auto seen = std::make_shared<observe::Observations>();
    seen->cluster = name;
    seen->now = ports.time->now();
    seen->wall = ports.time->wall();
    seen->offer = std::move(documents.offer);
    seen->record = std::move(documents.record);
    seen->record_index = documents.record_index;
    seen->records_known = true;
    seen->consul = fresh_view(seen->now);
    Snapshot wishes;
    wishes.offer = seen->offer;
    wishes.record = seen->record;
    const std::optional<ClusterSpec> spec = reconcilers::spec_in_force(wishes);
    if (spec) {
        ROP_CO_TRY(auto health, co_await ports.consul->health(spec->service, now));
        seen->services = std::move(health.value);
        if (spec->nomad) {
            ROP_CO_TRY(co_await ask_nomad(ports, *spec, seen));
        }
    }
    Result<ports::AccessPtr> access(nullptr);
    if (options.access && spec) {
        const FetchedSecret fetched = co_await fetch_secret(ports, *spec, prefix);
        access = options.access(*spec, fetched);
    }
    LookRequest request{std::move(*seen), nullptr, std::move(access),
                        looking_name(InstallationId{"cli"}), options.redis_deadline};
    SnapshotPtr snapshot = co_await look(ports, std::move(request));
    Plan plan = reconcilers::plan_round(*snapshot);
    ClusterStatus status = reconcilers::conditions(*snapshot, plan, nullptr);
    OnceView view{std::move(snapshot), std::move(plan), std::move(status)};
    co_return view;
}

}  // namespace rop::loop
