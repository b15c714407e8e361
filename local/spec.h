/* SPDX-License-Identifier: ISC */
/*
 * spec.json: everything the keeper needs to run an instance, whole before anything is started.
 * Written by the provider, read by the keeper and by every look at the instance. Plain values.
 */
#ifndef LOCAL_SPEC_H
#define LOCAL_SPEC_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "api/provider.h"

#define LOCAL_NICS_MAX 8

enum local_how {
    LOCAL_HOW_QEMU_KERNEL,
    LOCAL_HOW_QEMU_DISK,
    LOCAL_HOW_SOLO5_SPT,
    LOCAL_HOW_SOLO5_HVT,
    LOCAL_HOW_COUNT
};

struct local_spec {
    char name[MIR_NAME_TEXT];
    struct mir_tags tags; /* tags.deployment is the token */
    int64_t deadline_s;   /* at the start; status.json holds the present one */
    enum local_how how;
    char program[PATH_MAX]; /* QEMU or the tender, absolute */
    char kernel[PATH_MAX];  /* absolute */
    char disk_format[8];    /* QEMU's word: "raw", "qcow2", "vpc"; "" for kernels */
    char machine[16];
    char accelerator[8]; /* "tcg" or "kvm" */
    bool sandbox;        /* this QEMU was built with its sandbox */
    bool solo5_exit;     /* exit status 83 of QEMU is Solo5's end, whatever its status was */
    bool tell_deadline;  /* the guest takes "deadline N" on its console */
    uint64_t memory_bytes;
    struct mir_machine hardware; /* decided; one without a word of it is from before: all ANY */
    unsigned nic_count;          /* network cards; ports are published on the first */
    unsigned port_count;
    struct mir_port ports[MIR_PORTS_MAX];
    char arguments[MIR_ARGS_MAX];
};

/* Names as in mir_boots.how; -1 for no such name. */
const char *local_how_name(enum local_how how);
int local_how_by_name(const char *name);

/* Owned text. */
char *local_spec_text(const struct local_spec *spec);

/* Reads what local_spec_text wrote; anything else is MIR_CORRUPT. */
int local_spec_parse(const char *text, size_t len, struct local_spec *ret, struct mir_error *err);

/* From the instance directory; MIR_NOT_FOUND when it was never written. */
int local_spec_load(int dir_fd, struct local_spec *ret, struct mir_error *err);
/* Durable after 0. */
int local_spec_save(int dir_fd, const struct local_spec *spec, struct mir_error *err);

#endif
