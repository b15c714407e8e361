/* SPDX-License-Identifier: ISC */
#include "machines.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "api/suggest.h"

#define MIB ((uint64_t)1 << 20)
#define X86 MIR_ARCH_X86_64
#define ARM MIR_ARCH_AARCH64

/* Memory in MiB, millionths of a dollar for an hour, free tier, bursting. Families in the order in
 * which a new deployment should take them. */
static const struct {
    const char *type, *family;
    enum mir_arch arch;
    unsigned mib;
    int64_t micro;
    bool free_tier, bursts;
} table[] = {
    {"t4g.nano", "graviton", ARM, 512, 4200, false, true},
    {"t4g.micro", "graviton", ARM, 1024, 8400, true, true},
    {"t4g.small", "graviton", ARM, 2048, 16800, true, true},
    {"t3a.nano", "nitro", X86, 512, 4700, false, true},
    {"t3.nano", "nitro", X86, 512, 5200, false, true},
    {"t3a.micro", "nitro", X86, 1024, 9400, false, true},
    {"t3.micro", "nitro", X86, 1024, 10400, true, true},
    {"t3.small", "nitro", X86, 2048, 20800, true, true},
    {"c8i.large", "nested", X86, 4096, 93700, false, false},
    {"t2.nano", "xen-hvm", X86, 512, 5800, false, true},
    {"t2.micro", "xen-hvm", X86, 1024, 11600, false, true},
    {"t2.small", "xen-hvm", X86, 2048, 23000, false, true},
    {"r3.large", "xen-hvm", X86, 15616, 166000, false, false},
    {"t1.micro", "xen-pv", X86, 627, 20000, false, false},
    {"m1.small", "xen-pv", X86, 1740, 44000, false, false},
    {"m3.medium", "xen-pv", X86, 3840, 70000, false, false},
    {"c3.large", "xen-pv", X86, 3840, 105000, false, false},
};

/* Xen families by their names: those that can also start paravirtualised guests, and the others. */
static const char *const xen_pv[] = {"c1", "c3", "m1", "m2", "m3", "t1"};
static const char *const xen_hvm[] = {"c4", "d2", "h1", "i2", "i3", "m4",
                                      "r3", "r4", "t2", "x1", "x1e"};

/* Nitro types that pass their processor's virtualisation on, when the launch asks for it. */
static const char *const nested[] = {"c8i",  "c8i-flex", "c8id",     "m8i", "m8i-flex",
                                     "m8id", "r8i",      "r8i-flex", "r8id"};

static const char *const instance_store[] = {"c1", "c3", "d2", "i2", "m1", "m2", "m3", "r3", "x1"};

static bool among(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static bool has_instance_store(const char *type)
{
    char series[8];
    size_t len = strcspn(type, ".");
    if (len >= sizeof series)
        return false;
    memcpy(series, type, len);
    series[len] = '\0';
    return among(instance_store, MIR_NELEMS(instance_store), series);
}

size_t ec2_machine_count(void)
{
    return MIR_NELEMS(table);
}

void ec2_machine_at(size_t i, struct ec2_machine *ret)
{
    *ret = (struct ec2_machine){.arch = table[i].arch,
                                .memory_bytes = table[i].mib * MIB,
                                .per_hour_micro = table[i].micro,
                                .free_tier = table[i].free_tier,
                                .instance_store = has_instance_store(table[i].type),
                                .bursts = table[i].bursts};
    mir_copy(ret->type, sizeof ret->type, table[i].type);
    mir_copy(ret->family, sizeof ret->family, table[i].family);
}

/* --- any type by its name --- */

/* A 'g' behind the generation is Graviton: m6g, c7gn, im4gn; not g4dn, whose g comes first. */
static bool graviton(const char *series)
{
    const char *p = series;
    while (islower((unsigned char)*p))
        p++;
    while (isdigit((unsigned char)*p))
        p++;
    return strchr(p, 'g') != NULL || !strcmp(series, "a1");
}

/* "t3a" of "t3a.micro": letters, a digit, more of both and dashes. */
static bool split(const char *type, char *series, size_t size, const char **ret_rest)
{
    const char *dot = strchr(type, '.');
    size_t len = dot ? (size_t)(dot - type) : 0;
    bool digit = false;
    if (!len || len >= size || !dot[1] || !islower((unsigned char)*type))
        return false;
    for (const char *p = type; *p; p++) {
        if (!islower((unsigned char)*p) && !isdigit((unsigned char)*p) && *p != '-' && p != dot)
            return false;
        digit |= p < dot && isdigit((unsigned char)*p);
    }
    memcpy(series, type, len);
    series[len] = '\0';
    *ret_rest = dot + 1;
    return digit;
}

static int no_type(const char *type, struct mir_error *err)
{
    const char *known[MIR_NELEMS(table)];
    for (size_t i = 0; i < MIR_NELEMS(table); i++)
        known[i] = table[i].type;
    const char *near = mir_suggest(type, known, MIR_NELEMS(known));
    mir_fail(err, MIR_USAGE, "'%.40s' is no instance type of EC2", type);
    return near ? mir_error_hint(err, "did you mean %s?", near)
                : mir_error_hint(err, "types are called like t3.micro");
}

int ec2_machine_named(const char *type, struct ec2_machine *ret, struct mir_error *err)
{
    char series[16];
    const char *rest;
    for (size_t i = 0; i < MIR_NELEMS(table); i++)
        if (!strcmp(table[i].type, type)) {
            ec2_machine_at(i, ret);
            return 0;
        }
    struct ec2_machine machine = {.arch = X86};
    if (mir_copy(machine.type, sizeof machine.type, type) ||
        !split(type, series, sizeof series, &rest))
        return no_type(type, err);
    const char *family = "nitro";
    if (graviton(series)) {
        machine.arch = ARM;
        family = "graviton";
    }
    if (!strncmp(rest, "metal", 5))
        family = "metal";
    else if (among(xen_pv, MIR_NELEMS(xen_pv), series))
        family = "xen-pv";
    else if (among(xen_hvm, MIR_NELEMS(xen_hvm), series))
        family = "xen-hvm";
    else if (among(nested, MIR_NELEMS(nested), series))
        family = EC2_NESTED;
    mir_copy(machine.family, sizeof machine.family, family);
    machine.instance_store = has_instance_store(type);
    machine.bursts = strlen(series) <= 3 && *series == 't' && isdigit((unsigned char)series[1]) &&
                     series[1] != '1';
    *ret = machine;
    return 0;
}

/* --- the one for a kernel --- */

/* A machine of 64 bits starts what is built for 32. */
bool ec2_machine_runs(const struct ec2_machine *machine, enum mir_arch arch)
{
    return arch == MIR_ARCH_UNKNOWN || arch == machine->arch ||
           (machine->arch == MIR_ARCH_X86_64 && arch == MIR_ARCH_I386);
}

static bool starts(const struct mir_kernel *kernel, const struct ec2_machine *machine,
                   const struct ec2_wanted *wanted)
{
    const struct mir_family *row = mir_kernel_family(kernel, "ec2", machine->family);
    if (!row || !ec2_machine_runs(machine, kernel->arch) ||
        (wanted->instance_store && !machine->instance_store))
        return false;
    bool way = row->needs.image != MIR_IMAGE_NONE;
    return way && (row->verdict == MIR_VERDICT_BOOTS || row->verdict == MIR_VERDICT_UNKNOWN ||
                   wanted->anyway);
}

/* Where it is known to boot goes before where nobody knows, then x86 before arm64 for what may be
 * for either, then the free tier, then the price. */
static bool better(const struct mir_kernel *kernel, const struct ec2_machine *a,
                   const struct ec2_machine *b)
{
    bool sure_a = mir_kernel_family(kernel, "ec2", a->family)->verdict == MIR_VERDICT_BOOTS;
    bool sure_b = mir_kernel_family(kernel, "ec2", b->family)->verdict == MIR_VERDICT_BOOTS;
    if (sure_a != sure_b)
        return sure_a;
    if (kernel->arch == MIR_ARCH_UNKNOWN && a->arch != b->arch)
        return a->arch == MIR_ARCH_X86_64;
    if (a->free_tier != b->free_tier)
        return a->free_tier;
    return a->per_hour_micro < b->per_hour_micro;
}

static int no_machine(const struct mir_kernel *kernel, const struct ec2_wanted *wanted,
                      struct mir_error *err)
{
    const struct mir_boots *boots = mir_kernel_boots(kernel, "ec2");
    unsigned mib = (unsigned)((wanted->memory_bytes + MIB - 1) / MIB);
    for (size_t i = 0; i < MIR_NELEMS(table); i++) {
        struct ec2_machine one;
        ec2_machine_at(i, &one);
        if (starts(kernel, &one, wanted)) {
            mir_fail(err, MIR_POLICY, "no instance type of the table has %u MiB for this kernel",
                     mib);
            return mir_error_hint(err, "name one with --type");
        }
    }
    if (wanted->instance_store) {
        mir_fail(err, MIR_POLICY,
                 "no type of EC2 that starts instance-store bundles starts this %s kernel",
                 mir_format_name(kernel->format));
        return mir_error_hint(err, "upload = direct in section [ec2] is for all other types");
    }
    mir_fail(err, MIR_POLICY, "no kind of machine of EC2 starts this %s kernel%s%s",
             mir_format_name(kernel->format), boots ? ": " : "", boots ? boots->why : "");
    return mir_error_hint(err, "`mirage-deploy inspect` says where it boots");
}

int ec2_machine_for(const struct mir_kernel *kernel, const struct ec2_wanted *wanted,
                    struct ec2_machine *ret, struct mir_error *err)
{
    struct ec2_machine best = {.per_hour_micro = 0}, one;
    for (size_t i = 0; i < MIR_NELEMS(table); i++) {
        ec2_machine_at(i, &one);
        if (one.memory_bytes < wanted->memory_bytes || !starts(kernel, &one, wanted))
            continue;
        if (!*best.type || better(kernel, &one, &best))
            best = one;
    }
    if (!*best.type)
        return no_machine(kernel, wanted, err);
    *ret = best;
    return 0;
}

int64_t ec2_disk_hour_micro(uint64_t gib, int64_t gib_month_micro)
{
    return ((int64_t)gib * gib_month_micro + EC2_HOURS_A_MONTH - 1) / EC2_HOURS_A_MONTH;
}
