/* SPDX-License-Identifier: ISC */
/* The ownership answer by a carrier: when it can be had, at which port, and what is said when not.
 */
#include "scratch.h"

#include "api/json.h"
#include "daemon/plan.h"
#include "ownership.h"

#define NOW INT64_C(1800000000)
#define SHA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct mir_provider local = {
    .name = "local", .title = "here", .guest_host = "10.0.2.2", .machines = true};
static const struct mird_policy policy = {
    .ttl_default_s = 3600, .ttl_max_s = 86400, .memory_max_bytes = 512 << 20, .deployments_max = 3};
static const struct mir_quote quote = {.price.known = true};
static const struct mird_load load;

struct house {
    struct mir_kernel kernel;
    struct mird_request request;
    struct mird_burden burden;
    struct mird_plan plan;
    struct mir_error err;
};

static struct house house(enum mir_carrier shape)
{
    struct house h = {.kernel = {.format = MIR_FORMAT_XEN_PV, .boots_count = 1, .family_count = 1},
                      .request = {.answer_ownership = true}};
    struct mir_family *family = &h.kernel.families[0];
    mir_copy(h.kernel.sha256, sizeof h.kernel.sha256, SHA);
    mir_copy(h.kernel.boots[0].provider, sizeof h.kernel.boots[0].provider, "local");
    h.kernel.boots[0].verdict = shape ? MIR_VERDICT_CARRIER : MIR_VERDICT_BOOTS;
    mir_copy(h.kernel.boots[0].how, sizeof h.kernel.boots[0].how, "qemu-kernel");
    mir_copy(family->family, sizeof family->family, "qemu-pc");
    family->verdict = h.kernel.boots[0].verdict;
    family->carrier = shape;
    mir_copy(h.request.provider, sizeof h.request.provider, "local");
    mir_copy(h.request.kernel, sizeof h.request.kernel, SHA);
    return h;
}

static int plan(struct house *h)
{
    h->err = (struct mir_error){0};
    if (mird_burden_make(&h->request, &h->kernel, &h->burden, &h->err))
        return -1;
    return mird_plan_make(&h->request, &h->burden, &local, &quote, &policy, &load, NOW, &h->plan,
                          &h->err);
}

static void refused(struct house *h, const char *why, const char *fix)
{
    assert_int_equal(plan(h), -1);
    assert_int_equal(h->err.kind, MIR_USAGE);
    if (!strstr(h->err.text, why) || !strstr(h->err.hint, fix) ||
        !strstr(h->err.hint, "leave --answer-ownership away"))
        fail_msg("'%s', '%s'", h->err.text, h->err.hint);
}

static bool said(struct house *h)
{
    json_t *doc = mird_plan_json(&h->plan, &h->request, &h->kernel, NOW);
    bool is = json_is_true(json_object_get(doc, "answer_ownership"));
    assert_true(is || json_is_false(json_object_get(doc, "answer_ownership")));
    json_decref(doc);
    return is;
}

static void test_asked_for(void **state)
{
    struct house h = house(MIR_CARRIER_XEN);
    assert_int_equal(plan(&h), 0);
    assert_true(h.plan.takes_part & MIR_PART_WELL_KNOWN);
    assert_true(said(&h));
    h.request.answer_ownership = false;
    assert_int_equal(plan(&h), 0);
    assert_false(h.plan.takes_part & MIR_PART_WELL_KNOWN);
    assert_false(said(&h));
    /* A kernel's own answer is not its carrier's. */
    h = house(MIR_CARRIER_NONE);
    h.request.answer_ownership = false;
    h.kernel.takes_part = MIR_PART_WELL_KNOWN;
    assert_int_equal(plan(&h), 0);
    assert_false(said(&h));
}

static void test_refused(void **state)
{
    struct house h = house(MIR_CARRIER_NONE);
    refused(&h, "without a carrier", "--carrier always");
    h = house(MIR_CARRIER_SHIM);
    refused(&h, "a shim", "--type");
    h = house(MIR_CARRIER_XEN);
    mir_copy(h.request.url, sizeof h.request.url, "https://site.example/");
    refused(&h, "no TLS", "http:// --url");
    h = house(MIR_CARRIER_XEN);
    h.request.ports_given = true;
    refused(&h, "no port", "-p 80");
    h = house(MIR_CARRIER_LINUX);
    h.kernel.format = MIR_FORMAT_SOLO5_SPT;
    h.kernel.solo5_abi_version = 2;
    refused(&h, "no network", "away");
}

static void test_ports(void **state)
{
    static const struct {
        const char *url;
        uint16_t host, guest; /* published; 0: none */
        uint16_t open[3];
        uint16_t port;
    } rows[] = {
        {"", 0, 80, {0}, 80},
        {"", 8080, 3000, {0}, 3000},
        {"http://127.0.0.1:8080/", 8080, 3000, {0}, 3000},
        {"http://site.example/", 8080, 3000, {0}, 3000}, /* something in front of it */
        {"", 0, 0, {443, 80}, 80},
        {"http://site.example:5000/", 0, 0, {80, 5000}, 5000},
        {"http://site.example:5001/", 0, 0, {443, 80, 5000}, 80},
        {"", 0, 0, {443, 5000}, 5000},
        {"", 0, 0, {443}, 0},
        {"", 0, 443, {0}, 0},
        {"", 0, 0, {0}, 0},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_port port = {.host_port = rows[i].host, .guest_port = rows[i].guest};
        struct mir_place place = {.open_count = 0};
        for (size_t k = 0; k < 3 && rows[i].open[k]; k++)
            place.open[place.open_count++] = rows[i].open[k];
        assert_int_equal(mird_ownership_port(rows[i].url, &port, rows[i].guest ? 1 : 0, &place),
                         rows[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_asked_for),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_ports)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
