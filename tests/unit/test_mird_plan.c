/* SPDX-License-Identifier: ISC */
/* The planner: sense and nonsense of requests, policy, and the document. */
#include "plan_case.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/file.h"
#include "api/json.h"

#define BURDEN(k) ((struct mird_burden){.kernel = (k)})

static const char *const hook_names[] = {"keeper", NULL};
static const struct mir_provider local = {
    .name = "local", .title = "here", .hook_names = hook_names, .guest_host = "10.0.2.2"};
static const struct mir_provider cloud = {.name = "ec2", .title = "there", .paid = true};

static const struct mir_quote no_quote = {.price.known = true};
static const struct mird_load load, busy = {.live = 3};

static int plan(const struct mird_request *r, struct mird_plan *ret, struct mir_error *err)
{
    struct mir_kernel k = kernel(MIR_VERDICT_BOOTS);
    *err = (struct mir_error){0};
    return mird_plan_make(r, &BURDEN(k), &local, &no_quote, &policy, &load, NOW, ret, err);
}

static void refused(const struct mird_request *r, enum mir_kind kind, const char *word)
{
    struct mird_plan p;
    struct mir_error err;
    assert_int_equal(plan(r, &p, &err), -1);
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, word))
        fail_msg("'%s' does not say '%s'", err.text, word);
}

/* What the provider's own configuration leaves out is not among them; what depends on its cloud,
 * which nobody asks for a plan, says on what. */
static void test_hooks_of_a_cloud(void **state)
{
    static const char *const names[] = {"cloud-schedule", "cloud-lease", NULL};
    static const char *const when[] = {"where the cloud has it", NULL};
    struct mir_provider far = local;
    struct mird_request r = request();
    struct mir_kernel k = kernel(MIR_VERDICT_BOOTS);
    struct mir_quote quote = no_quote;
    struct mird_plan p;
    struct mir_error err = {0};
    far.hook_names = names;
    far.hooks_when = when;
    assert_int_equal(mird_plan_make(&r, &BURDEN(k), &far, &quote, &policy, &load, NOW, &p, &err),
                     0);
    assert_int_equal(p.hook_count, 4);
    assert_string_equal(p.hooks[1], "cloud-lease");
    assert_null(p.hooks_when[1]);
    quote.hooks_off = 1u << 1;
    assert_int_equal(mird_plan_make(&r, &BURDEN(k), &far, &quote, &policy, &load, NOW, &p, &err),
                     0);
    assert_int_equal(p.hook_count, 3);
    assert_string_equal(p.hooks[0], "cloud-schedule");
    assert_string_equal(p.hooks[1], "daemon");
    json_t *doc = mird_plan_json(&p, &r, &k, NOW);
    const json_t *said = json_object_get(doc, "hooks_when");
    assert_int_equal(json_object_size(said), 1);
    assert_string_equal(json_string_value(json_object_get(said, "cloud-schedule")), when[0]);
    json_decref(doc);
}

static void test_defaults(void **state)
{
    struct mird_request r = request();
    struct mird_plan p;
    struct mir_error err;
    assert_int_equal(plan(&r, &p, &err), 0);
    assert_int_equal(p.deadline_s, NOW + 3600);
    assert_int_equal(p.memory_bytes, 64 << 20);
    assert_int_equal(p.port_count, 1);
    assert_int_equal(p.ports[0].guest_port, 80);
    assert_int_equal(p.ports[0].host_port, 0);
    assert_string_equal(p.ports[0].address, "127.0.0.1");
    assert_true(p.wants_url);
    assert_int_equal(p.hook_count, 3);
    assert_string_equal(p.hooks[0], "keeper");
    assert_string_equal(p.hooks[1], "daemon");
    assert_string_equal(p.hooks[2], "guest");
    r.ports_given = true; /* an empty list is a wish */
    assert_int_equal(plan(&r, &p, &err), 0);
    assert_int_equal(p.port_count, 0);
    assert_false(p.wants_url);
}

/* The planner decides the machine where the provider has one to choose, and says so. */
static void test_machines(void **state)
{
    const struct mir_provider choosy = {
        .name = "local", .title = "here", .guest_host = "10.0.2.2", .machines = true};
    struct mird_request r = request();
    struct mir_kernel k = kernel(MIR_VERDICT_BOOTS);
    struct mird_plan p;
    struct mir_error err = {0};
    k.format = MIR_FORMAT_DISK_RAW;
    k.boot_ways = MIR_BOOT_BIOS_DISK | MIR_BOOT_EFI_DISK;
    mir_copy(k.boots[0].how, sizeof k.boots[0].how, "qemu-disk");
    r.machine.firmware = MIR_FIRMWARE_UEFI;
    refused(&r, MIR_USAGE, "no choice of the machine"); /* by a provider without one */
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &choosy, &no_quote, &policy, &load, NOW, &p, &err), 0);
    assert_int_equal(p.machine.firmware, MIR_FIRMWARE_UEFI);
    assert_int_equal(p.machine.disk, MIR_BUS_IDE);
    struct mir_kernel carried = k;
    carried.family_count = 1;
    carried.families[0].carrier = MIR_CARRIER_XEN;
    struct mird_burden burden = BURDEN(k);
    burden.plain = &carried;
    burden.guest_bytes = 64 << 20;
    assert_int_equal(mird_plan_make(&r, &burden, &choosy, &no_quote, &policy, &load, NOW, &p, &err),
                     0);
    assert_int_equal(p.machine.disk, MIR_BUS_NVME);
    r.machine.disk = MIR_BUS_IDE;
    assert_int_equal(mird_plan_make(&r, &burden, &choosy, &no_quote, &policy, &load, NOW, &p, &err),
                     0);
    assert_int_equal(p.machine.disk, MIR_BUS_IDE);
    r.machine.disk = MIR_BUS_NONE;
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &choosy, &no_quote, &policy, &load, NOW, &p, &err), 0);
    json_t *doc = mird_plan_json(&p, &r, &k, NOW);
    const json_t *machine = json_object_get(doc, "machine");
    assert_string_equal(json_string_value(json_object_get(machine, "firmware")), "uefi");
    assert_string_equal(json_string_value(json_object_get(machine, "nic")), "virtio");
    json_decref(doc);
    r.memory_bytes = 32 << 20;
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &choosy, &no_quote, &policy, &load, NOW, &p, &err), -1);
    assert_non_null(strstr(err.text, "needs 64 MiB"));
    r.memory_bytes = 0;
    r.machine.nic = MIR_CARD_NONE; /* no card: nothing to publish, no URL to wait for */
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &choosy, &no_quote, &policy, &load, NOW, &p, &err), 0);
    assert_int_equal(p.port_count, 0);
    assert_false(p.wants_url);
    mir_copy(k.boots[0].how, sizeof k.boots[0].how, "qemu-kernel");
    k.format = MIR_FORMAT_MULTIBOOT1;
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &choosy, &no_quote, &policy, &load, NOW, &p, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.text, "UEFI"));
}

/* A carried kernel has no card when none is wanted, unless its manifest knows better. */
static void test_carried_without_card(void **state)
{
    const struct mir_provider choosy = {.name = "local", .title = "here", .machines = true};
    struct mird_request r = request();
    struct mir_kernel k = kernel(MIR_VERDICT_BOOTS), plain;
    struct mird_burden burden = BURDEN(k);
    struct mird_plan p;
    struct mir_error err = {0};
    burden.kernel.format = MIR_FORMAT_DISK_RAW;
    burden.kernel.boot_ways = MIR_BOOT_BIOS_DISK;
    plain = burden.kernel;
    plain.format = MIR_FORMAT_SOLO5_SPT;
    plain.family_count = 1;
    plain.families[0].carrier = MIR_CARRIER_LINUX;
    burden.plain = &plain;
    burden.guest_bytes = 64 << 20;
    r.machine.nic = MIR_CARD_NONE;
    assert_int_equal(mird_plan_make(&r, &burden, &choosy, &no_quote, &policy, &load, NOW, &p, &err),
                     0);
    assert_int_equal(p.machine.nic, MIR_CARD_NONE);
    plain.device_count = 1;
    plain.devices[0].kind = MIR_DEVICE_NET;
    assert_int_equal(mird_plan_make(&r, &burden, &choosy, &no_quote, &policy, &load, NOW, &p, &err),
                     -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.text, "network card"));
    assert_string_equal(err.hint, "leave --nic away");
}

static void test_lease_bounds(void **state)
{
    struct mird_request r = request();
    struct mird_plan p;
    struct mir_error err;
    r.ttl_s = 9;
    refused(&r, MIR_POLICY, "shortest");
    r.ttl_s = 86401;
    refused(&r, MIR_POLICY, "longest is 1d");
    r.ttl_s = 86400;
    assert_int_equal(plan(&r, &p, &err), 0);
    r.until_s = NOW + 100;
    refused(&r, MIR_USAGE, "more than one");
    r.ttl_s = 0;
    assert_int_equal(plan(&r, &p, &err), 0);
    assert_int_equal(p.deadline_s, NOW + 100);
    r.until_s = NOW - 1;
    refused(&r, MIR_POLICY, "passed already");
}

static void test_forever(void **state)
{
    struct mird_policy open = policy;
    struct mir_kernel k = kernel(MIR_VERDICT_BOOTS);
    struct mird_request r = request();
    struct mird_plan p;
    struct mir_error err;
    r.forever = true;
    mir_copy(r.reason, sizeof r.reason, "the status page");
    refused(&r, MIR_POLICY, "without an end is not allowed");
    assert_int_equal(plan(&r, &p, &err), -1);
    assert_non_null(strstr(err.hint, "allow_forever = yes"));
    open.allow_forever = true;
    assert_int_equal(mird_plan_make(&r, &BURDEN(k), &local, &no_quote, &open, &load, NOW, &p, &err),
                     0);
    assert_true(p.deadline_s == MIR_FOREVER_S);
    assert_int_equal(p.hook_count, 0); /* nothing can be armed */
    p.price.per_hour_micro = INT64_MAX / 1000;
    json_t *doc = mird_plan_json(&p, &r, &k, NOW), *cost = json_object_get(doc, "cost");
    assert_true(json_is_null(json_object_get(doc, "expires_at")));
    assert_true(json_is_null(json_object_get(doc, "ttl_s")));
    assert_true(json_is_true(json_object_get(doc, "forever")));
    assert_string_equal(json_string_value(json_object_get(doc, "reason")), "the status page");
    assert_true(json_is_null(json_object_get(cost, "worst_micro")));
    json_decref(doc);
    r.ttl_s = 60;
    refused(&r, MIR_USAGE, "more than one");
    r.ttl_s = 0;
    r.until_s = NOW + 60;
    refused(&r, MIR_USAGE, "more than one");
}

static void test_memory(void **state)
{
    struct mird_request r = request();
    struct mird_plan p;
    struct mir_error err;
    r.memory_bytes = 4 << 20;
    refused(&r, MIR_POLICY, "too few");
    r.memory_bytes = UINT64_C(1) << 30;
    refused(&r, MIR_POLICY, "more than the 512 MiB");
    r.memory_bytes = 16 << 20;
    assert_int_equal(plan(&r, &p, &err), 0);
    assert_int_equal(p.memory_bytes, 16 << 20);
}

static void test_boots(void **state)
{
    struct mird_request r = request();
    struct mir_kernel k = kernel(MIR_VERDICT_CANNOT);
    struct mird_plan p;
    struct mir_error err = {0};
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &local, &no_quote, &policy, &load, NOW, &p, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.text, "cannot boot on local: the rule"));
    assert_non_null(strstr(err.hint, "--anyway"));
    k = kernel(MIR_VERDICT_NO_NETWORK);
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &local, &no_quote, &policy, &load, NOW, &p, &err), -1);
    r.anyway = true;
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &local, &no_quote, &policy, &load, NOW, &p, &err), 0);
    assert_int_equal(p.port_count, 0); /* nothing could answer there */
    r.anyway = false;
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &cloud, &no_quote, &policy, &load, NOW, &p, &err), 0);
    assert_int_equal(p.verdict, MIR_VERDICT_UNKNOWN);
    assert_int_equal(p.port_count, 0); /* it publishes none */
    k = kernel(MIR_VERDICT_BOOTS);
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &local, &no_quote, &policy, &busy, NOW, &p, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
}

static void test_ports(void **state)
{
    struct mird_request r = request();
    struct mir_kernel k = kernel(MIR_VERDICT_BOOTS);
    struct mird_plan p;
    struct mir_error err = {0};
    r.ports_given = true;
    r.port_count = 2;
    r.ports[0] = r.ports[1] = (struct mir_port){.host_port = 8080, .guest_port = 80};
    refused(&r, MIR_USAGE, "8080");
    r.ports[1].host_port = 8081;
    r.ports[1].guest_port = 443;
    assert_int_equal(plan(&r, &p, &err), 0);
    assert_true(p.wants_url);
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &cloud, &no_quote, &policy, &load, NOW, &p, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
}

static const struct mir_offer *one_network(const struct mir_kernel *k)
{
    static const struct mir_offer offer = {.nics_max = 1, .fix = "leave it out"};
    return &offer;
}

/* What would abort for want of a device is refused before anything is started. */
static void test_devices(void **state)
{
    struct mir_provider here = local;
    struct mird_request r = request();
    struct mir_kernel k = kernel(MIR_VERDICT_BOOTS);
    struct mird_plan p;
    struct mir_error err = {0};
    here.offer = one_network;
    k.format = MIR_FORMAT_SOLO5_VIRTIO;
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &here, &no_quote, &policy, &load, NOW, &p, &err), 0);
    assert_int_equal(p.port_count, 0); /* it says itself that it has no network */
    k.device_count = 1;
    k.devices[0] = (struct mir_device){"service", MIR_DEVICE_NET};
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &here, &no_quote, &policy, &load, NOW, &p, &err), 0);
    assert_int_equal(p.port_count, 1);
    k.devices[0].kind = MIR_DEVICE_BLOCK;
    for (int anyway = 0; anyway < 2; anyway++) {
        r.anyway = anyway;
        assert_int_equal(
            mird_plan_make(&r, &BURDEN(k), &here, &no_quote, &policy, &load, NOW, &p, &err), -1);
        assert_int_equal(err.kind, MIR_POLICY);
        assert_non_null(strstr(err.text, "solo5-virtio kernel cannot run on local"));
        assert_non_null(strstr(err.text, "'service'"));
        assert_string_equal(err.hint, "leave it out");
    }
    k.device_count = 0;
    r.ports_given = true;
    r.port_count = 1;
    r.ports[0].guest_port = 80;
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &here, &no_quote, &policy, &load, NOW, &p, &err), -1);
    assert_non_null(strstr(err.text, "no port of it can be published"));
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &local, &no_quote, &policy, &load, NOW, &p, &err),
        0); /* no offer */
}

static void test_document(void **state)
{
    struct mird_request r = request();
    struct mir_kernel k = kernel(MIR_VERDICT_BOOTS);
    struct mird_plan p;
    struct mir_error err;
    k.container = MIR_CONTAINER_GZIP;
    k.family_count = 1;
    k.families[0] = (struct mir_family){.family = "qemu-pc", .verdict = MIR_VERDICT_BOOTS};
    assert_int_equal(plan(&r, &p, &err), 0);
    p.price.per_hour_micro = 1000;
    p.deadline_s = NOW + 5400;
    json_t *doc = mird_plan_json(&p, &r, &k, NOW);
    assert_non_null(doc);
    json_t *steps = json_object_get(doc, "steps");
    assert_int_equal(json_array_size(steps), 4);
    assert_string_equal(json_string_value(json_object_get(json_array_get(steps, 0), "name")),
                        "image");
    json_t *families = json_object_get(json_object_get(doc, "boots"), "families");
    assert_int_equal(json_array_size(families), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(families, 0), "family")),
                        "qemu-pc");
    json_t *cost = json_object_get(doc, "cost");
    assert_int_equal(json_integer_value(json_object_get(cost, "worst_micro")), 1500);
    assert_string_equal(json_string_value(json_object_get(doc, "expires_at")),
                        "2027-01-15T09:30:00Z");
    json_decref(doc);
}

/* --- in a cloud --- */

/* t3.nano, half a gigabyte, 5200 micro-dollars an hour. */
static struct mir_quote nano(void)
{
    struct mir_quote quote = {.memory_bytes = 512 << 20, .family = "nitro"};
    quote.price = (struct mir_price){
        .known = true, .per_hour_micro = 5200, .once_micro = 100, .date = "2026-11-20"};
    mir_copy(quote.place.region, sizeof quote.place.region, "eu-central-1");
    mir_copy(quote.place.type, sizeof quote.place.type, "t3.nano");
    mir_place_default_open(&quote.place);
    return quote;
}

static struct mir_kernel cloud_kernel(enum mir_verdict nitro)
{
    struct mir_kernel k = kernel(MIR_VERDICT_BOOTS);
    mir_copy(k.boots[0].provider, sizeof k.boots[0].provider, "ec2");
    k.family_count = 2;
    k.families[0] = (struct mir_family){.family = "xen-hvm", .verdict = MIR_VERDICT_BOOTS};
    k.families[1] =
        (struct mir_family){.family = "nitro", .verdict = nitro, .why = "no driver for ENA"};
    return k;
}

static int plan_there(const struct mird_request *r, const struct mir_quote *quote,
                      const struct mird_policy *with, struct mird_plan *ret, struct mir_error *err)
{
    struct mir_kernel k = cloud_kernel(MIR_VERDICT_BOOTS);
    *err = (struct mir_error){0};
    return mird_plan_make(r, &BURDEN(k), &cloud, quote, with, &load, NOW, ret, err);
}

static void test_place(void **state)
{
    struct mird_request r = request();
    struct mir_quote quote = nano();
    struct mir_kernel k = cloud_kernel(MIR_VERDICT_BOOTS);
    struct mird_plan p;
    struct mir_error err;
    r.ttl_s = 7200;
    assert_int_equal(plan_there(&r, &quote, &policy, &p, &err), 0);
    assert_string_equal(p.place.type, "t3.nano");
    assert_string_equal(p.family, "nitro");
    assert_true(p.memory_bytes == 512 << 20);
    assert_int_equal(p.port_count, 0); /* nothing is published, and there is a URL */
    assert_true(p.wants_url);
    json_t *doc = mird_plan_json(&p, &r, &k, NOW), *cost = json_object_get(doc, "cost");
    const json_t *place = json_object_get(doc, "place");
    assert_string_equal(json_string_value(json_object_get(place, "region")), "eu-central-1");
    assert_int_equal(json_array_size(json_object_get(place, "open")), 2);
    assert_string_equal(json_string_value(json_object_get(doc, "family")), "nitro");
    assert_int_equal(json_integer_value(json_object_get(cost, "per_hour_micro")), 5200);
    assert_int_equal(json_integer_value(json_object_get(cost, "once_micro")), 100);
    assert_int_equal(json_integer_value(json_object_get(cost, "worst_micro")), 10500);
    assert_int_equal(json_integer_value(json_object_get(cost, "so_far_micro")), 0);
    assert_string_equal(json_string_value(json_object_get(cost, "price_date")), "2026-11-20");
    assert_true(json_is_null(json_object_get(cost, "budget_micro")));
    json_decref(doc);
}

static void test_open_ports(void **state)
{
    struct mird_request r = request();
    struct mir_quote quote = nano();
    struct mir_kernel mute = cloud_kernel(MIR_VERDICT_NO_NETWORK);
    struct mird_plan p;
    struct mir_error err;
    quote.place.open[0] = 22;
    assert_int_equal(plan_there(&r, &quote, &policy, &p, &err), 0);
    assert_true(p.wants_url); /* 443 is open still */
    quote.place.open[1] = 25;
    assert_int_equal(plan_there(&r, &quote, &policy, &p, &err), 0);
    assert_false(p.wants_url);
    assert_int_equal(p.place.open_count, 2);
    mir_copy(r.url, sizeof r.url, "https://example.org/");
    assert_int_equal(plan_there(&r, &quote, &policy, &p, &err), 0);
    assert_true(p.wants_url);
    r = request();
    r.anyway = true;
    quote = nano();
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(mute), &cloud, &quote, &policy, &load, NOW, &p, &err), 0);
    assert_false(p.wants_url); /* nothing could answer, so nothing is opened */
    assert_int_equal(p.place.open_count, 0);
    r.place.open_given = true;
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(mute), &cloud, &quote, &policy, &load, NOW, &p, &err), 0);
    assert_int_equal(p.place.open_count, 2); /* unless somebody said so */
    r.port_count = 1;
    r.ports[0].guest_port = 80;
    assert_int_equal(plan_there(&r, &quote, &policy, &p, &err), -1);
    assert_string_equal(err.hint, "leave -p away");
}

/* The provider's verdict is the best of its families'; what counts is the type's. */
static void test_families(void **state)
{
    struct mird_request r = request();
    struct mir_quote quote = nano();
    struct mir_kernel k = cloud_kernel(MIR_VERDICT_CANNOT);
    struct mird_plan p;
    struct mir_error err = {0};
    assert_int_equal(mird_plan_make(&r, &BURDEN(k), &cloud, &quote, &policy, &load, NOW, &p, &err),
                     -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.text, "cannot boot on ec2 t3.nano: no driver for ENA"));
    assert_non_null(strstr(err.hint, "another --type or provider"));
    mir_copy(quote.family, sizeof quote.family, "xen-hvm");
    assert_int_equal(mird_plan_make(&r, &BURDEN(k), &cloud, &quote, &policy, &load, NOW, &p, &err),
                     0);
    assert_int_equal(p.verdict, MIR_VERDICT_BOOTS);
    mir_copy(quote.family, sizeof quote.family, "unheard-of"); /* then the provider's */
    assert_int_equal(mird_plan_make(&r, &BURDEN(k), &cloud, &quote, &policy, &load, NOW, &p, &err),
                     0);
    assert_string_equal(p.why, "the rule");
}

static void test_type_memory(void **state)
{
    struct mird_request r = request();
    struct mir_quote quote = nano();
    struct mird_plan p;
    struct mir_error err;
    quote.memory_bytes = UINT64_C(1) << 40; /* above memory_max, which is for what is asked for */
    assert_int_equal(plan_there(&r, &quote, &policy, &p, &err), 0);
    assert_true(p.memory_bytes == UINT64_C(1) << 40);
    quote.memory_bytes = 100 << 20;
    r.memory_bytes = 200 << 20;
    assert_int_equal(plan_there(&r, &quote, &policy, &p, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_string_equal(err.text, "t3.nano has 100 MiB of memory, and 200 are needed");
    r.memory_bytes = 0;
    quote.memory_bytes = 4 << 20;
    assert_int_equal(plan_there(&r, &quote, &policy, &p, &err), -1);
    assert_non_null(strstr(err.text, "and 5 are needed"));
}

static void test_budget(void **state)
{
    struct mird_policy capped = policy;
    struct mird_request r = request();
    struct mir_quote quote = nano();
    struct mir_kernel k = cloud_kernel(MIR_VERDICT_BOOTS);
    struct mird_load loaded = {.live = 1, .committed.worst_micro = 9000};
    struct mird_plan p;
    struct mir_error err;
    r.ttl_s = 7200; /* 10500 micro-dollars */
    quote.place.budget_micro = 10500;
    assert_int_equal(plan_there(&r, &quote, &policy, &p, &err), 0);
    assert_int_equal(p.place.budget_micro, 10500);
    quote.place.budget_micro = 10499;
    assert_int_equal(plan_there(&r, &quote, &policy, &p, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_non_null(strstr(err.text, "0.0105 USD, which is more than its budget of 0.010499 USD"));
    quote.place.budget_micro = 0;
    capped.budget_micro = 19500;
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &cloud, &quote, &capped, &loaded, NOW, &p, &err), 0);
    capped.budget_micro--;
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &cloud, &quote, &capped, &loaded, NOW, &p, &err), -1);
    assert_int_equal(err.kind, MIR_POLICY);
    assert_int_equal(
        mird_plan_make(&r, &BURDEN(k), &cloud, &no_quote, &capped, &loaded, NOW, &p, &err),
        0); /* what is free is within every budget */
}

/* --- requests --- */

static int parse(const char *text, struct mird_request *ret, struct mir_error *err)
{
    *err = (struct mir_error){0};
    json_t *body = mir_json_parse(text, strlen(text), 65536, err);
    if (!body)
        return -1;
    int rc = mird_request_from_json(body, ret, err);
    json_decref(body);
    return rc;
}

static void test_request(void **state)
{
    struct mird_request r;
    struct mir_error err;
    if (parse("{\"provider\":\"local\",\"kernel\":\"" SHA "\",\"name\":\"hello\",\"ttl\":\"1h30m\","
              "\"memory_bytes\":33554432,\"ports\":[{\"host\":8080,\"guest\":80,"
              "\"address\":\"127.0.0.1\"},{\"guest\":443}],\"arguments\":[\"a=b\",\"c\"],"
              "\"url\":\"http://x/\",\"list\":false,\"anyway\":true}",
              &r, &err))
        fail_msg("%s", err.text);
    assert_int_equal(r.ttl_s, 5400);
    assert_int_equal(r.port_count, 2);
    assert_int_equal(r.ports[1].guest_port, 443);
    assert_string_equal(r.arguments, "a=b c");
    assert_true(r.ports_given && r.anyway && !r.list);
    assert_int_equal(parse("{\"provider\":\"local\",\"kernel\":\"" SHA "\"}", &r, &err), 0);
    assert_true(!r.ports_given && r.list && !r.anyway && !r.forever && !*r.reason);
    assert_int_equal(parse("{\"provider\":\"local\",\"kernel\":\"" SHA "\",\"forever\":true,"
                           "\"reason\":\"the status page\"}",
                           &r, &err),
                     0);
    assert_true(r.forever);
    assert_string_equal(r.reason, "the status page");
    assert_int_equal(parse("{\"provider\":\"local\",\"kernel\":\"" SHA "\",\"forever\":false,"
                           "\"ttl\":\"1h\"}",
                           &r, &err),
                     0);
    assert_true(!r.forever && r.ttl_s == 3600);
    assert_int_equal(parse("{\"provider\":\"local\",\"kernel\":\"" SHA "\",\"place\":"
                           "{\"region\":\"eu-central-1\",\"open\":[22],\"budget\":\"1.5\"}}",
                           &r, &err),
                     0);
    assert_string_equal(r.place.region, "eu-central-1");
    assert_true(r.place.open_given && r.place.open[0] == 22);
    assert_int_equal(r.place.budget_micro, 1500000);
    assert_int_equal(parse("{\"provider\":\"local\",\"kernel\":\"" SHA "\",\"blocks\":"
                           "[{\"name\":\"fat1.img\",\"sha256\":\"" SHA "\"}]}",
                           &r, &err),
                     0);
    assert_int_equal(r.blocks.count, 1);
    assert_string_equal(r.blocks.list[0].name, "fat1.img");
}

static void test_bad_requests(void **state)
{
    static const struct {
        const char *field, *word;
    } rows[] = {
        {"\"tll\":\"1h\"", "unknown field 'tll'"},
        {"\"ttl\":\"1 fortnight\"", "ttl"},
        {"\"ttl\":3600", "has to be a text"},
        {"\"until\":\"soon\"", "until"},
        {"\"ttl\":\"1h\",\"until\":\"2027-01-15T09:30:00Z\"", "both"},
        {"\"name\":\"Hello\"", "not a name"},
        {"\"name\":\"-x\"", "not a name"},
        {"\"url\":\"ftp://x\"", "http://"},
        {"\"url\":\"http://x/\\u0000y\"", "JSON"},
        {"\"url\":\"http://x/\\n\"", "control character"},
        {"\"ports\":{}", "list"},
        {"\"ports\":[{\"host\":1}]", "guest"},
        {"\"ports\":[{\"guest\":65536}]", "65536"},
        {"\"ports\":[{\"guest\":80,\"hots\":1}]", "unknown field 'hots'"},
        {"\"ports\":[1]", "object"},
        {"\"arguments\":\"x\"", "list of texts"},
        {"\"arguments\":[1]", "list of texts"},
        {"\"arguments\":[\"a\\nb\"]", "control character"},
        {"\"memory_bytes\":-1", "1048576"},
        {"\"memory_bytes\":\"64M\"", "whole number"},
        {"\"list\":1", "true or false"},
        {"\"blocks\":{}", "'blocks' has to be a list"},
        {"\"blocks\":[5]", "object"},
        {"\"blocks\":[{\"sha256\":\"" SHA "\"}]", "'name'"},
        {"\"blocks\":[{\"name\":\"a\",\"sha256\":\"5\"}]", "64 hex digits"},
        {"\"blocks\":[{\"name\":\"a b\",\"sha256\":\"" SHA "\"}]", "'a b'"},
        {"\"blocks\":[{\"name\":\"a\",\"sha256\":\"" SHA "\"},{\"name\":\"a\","
         "\"sha256\":\"" SHA "\"}]",
         "twice"},
        {"\"forever\":true", "the reason is empty"},
        {"\"forever\":true,\"reason\":\" \"", "the reason is empty"},
        {"\"forever\":true,\"reason\":\"a\\nb\"", "control character"},
        {"\"forever\":true,\"reason\":5", "has to be a text"},
        {"\"forever\":\"yes\",\"reason\":\"x\"", "true or false"},
        {"\"reason\":\"x\"", "without forever"},
        {"\"place\":[]", "'place' has to be an object"},
        {"\"place\":{\"opne\":[80]}", "place: unknown field 'opne'"},
        {"\"place\":{\"budget\":1}", "place: "},
        {"\"forever\":false,\"reason\":\"x\"", "without forever"},
        {"\"forever\":true,\"reason\":\"x\",\"ttl\":\"1h\"", "forever and ttl"},
        {"\"forever\":true,\"reason\":\"x\",\"until\":\"2027-01-15T09:30:00Z\"",
         "forever and until"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        char text[512];
        struct mird_request r = {0}, before = r;
        struct mir_error err;
        snprintf(text, sizeof text, "{\"provider\":\"local\",\"kernel\":\"%s\",%s}", SHA,
                 rows[i].field);
        if (!parse(text, &r, &err))
            fail_msg("taken: %s", rows[i].field);
        assert_int_equal(err.kind, MIR_USAGE);
        if (!strstr(err.text, rows[i].word))
            fail_msg("%s: '%s' does not say '%s'", rows[i].field, err.text, rows[i].word);
        assert_memory_equal(&r, &before, sizeof r);
    }
    struct mird_request r;
    struct mir_error err;
    assert_int_equal(parse("{}", &r, &err), -1);
    assert_int_equal(parse("[]", &r, &err), -1);
    assert_int_equal(parse("{\"provider\":\"local\",\"kernel\":\"abc\"}", &r, &err), -1);
    char *big = mir_calloc(6000, 1);
    int n = snprintf(big, 6000, "{\"provider\":\"local\",\"kernel\":\"%s\",\"arguments\":[\"", SHA);
    memset(big + n, 'x', 4200);
    memcpy(big + n + 4200, "\"]}", 3);
    assert_int_equal(parse(big, &r, &err), -1);
    assert_non_null(strstr(err.text, "longer"));
    free(big);
}

static int load_policy(const char *text, struct mird_policy *ret, struct mir_error *err)
{
    char path[] = "/tmp/mird-plan-XXXXXX";
    int fd = mkstemp(path);
    struct mir_config *config = NULL;
    assert_true(fd >= 0);
    assert_int_equal(mir_write_all(fd, text, strlen(text)), 0);
    close(fd);
    assert_int_equal(mir_config_load_file(path, &config, err), 0);
    int rc = mird_policy_load(config, ret, err);
    mir_config_free(config);
    unlink(path);
    return rc;
}

static void test_policy(void **state)
{
    struct mird_policy p;
    struct mir_error err = {0};
    assert_int_equal(load_policy("", &p, &err), 0);
    assert_int_equal(p.ttl_default_s, 3600);
    assert_int_equal(p.ttl_max_s, 30 * 86400);
    assert_int_equal(p.ttl_min_s, 10);
    assert_int_equal(p.deployments_max, 64);
    assert_int_equal(
        load_policy("[policy]\nttl = 2h\nmemory_max = 2G\ndeployments_max = 5\n", &p, &err), 0);
    assert_int_equal(p.ttl_default_s, 7200);
    assert_true(p.memory_max_bytes == UINT64_C(2) << 30);
    assert_int_equal(p.deployments_max, 5);
    assert_int_equal(load_policy("\n[policy]\nmemory_max = lots\n", &p, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    assert_non_null(strstr(err.text, ":3: memory_max"));
    assert_int_equal(load_policy("[policy]\ndeployments_max = 0\n", &p, &err), -1);
    assert_int_equal(load_policy("", &p, &err), 0);
    assert_false(p.allow_forever);
    assert_int_equal(load_policy("[policy]\nallow_forever = Yes\n", &p, &err), 0);
    assert_true(p.allow_forever);
    assert_int_equal(load_policy("[policy]\nallow_forever = no\n", &p, &err), 0);
    assert_false(p.allow_forever);
    assert_int_equal(load_policy("[policy]\nallow_forever = perhaps\n", &p, &err), -1);
    assert_non_null(strstr(err.text, ":2: allow_forever: 'perhaps' is neither yes nor no"));
    assert_int_equal(p.budget_micro, 0);
    assert_int_equal(load_policy("[policy]\nbudget = 10.50\n", &p, &err), 0);
    assert_int_equal(p.budget_micro, 10500000);
    assert_int_equal(load_policy("[policy]\nbudget = 0\n", &p, &err), -1);
    assert_non_null(strstr(err.text, ":2: budget: an amount of nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),     cmocka_unit_test(test_hooks_of_a_cloud),
        cmocka_unit_test(test_machines),     cmocka_unit_test(test_carried_without_card),
        cmocka_unit_test(test_lease_bounds), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_boots),        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_document),     cmocka_unit_test(test_request),
        cmocka_unit_test(test_bad_requests), cmocka_unit_test(test_policy),
        cmocka_unit_test(test_forever),      cmocka_unit_test(test_devices),
        cmocka_unit_test(test_place),        cmocka_unit_test(test_open_ports),
        cmocka_unit_test(test_families),     cmocka_unit_test(test_type_memory),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
