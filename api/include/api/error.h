/* SPDX-License-Identifier: ISC */
/*
 * One error value for the whole house: what went wrong, whether the attempted thing happened,
 * and whether trying again can help.
 *
 * Caller-owned, fixed size, no allocation: a caller writes `struct mir_error err = {0};` and
 * passes its address last. Functions return 0 or -1 (or NULL) and fill it exactly once, where
 * the fault is seen; on the way up only context is added (mir_error_wrap). A NULL err is allowed
 * everywhere. Outputs of a failed function are untouched.
 */
#ifndef API_ERROR_H
#define API_ERROR_H

#include <stddef.h>

#define MIR_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define MIR_NELEMS(array) (sizeof(array) / sizeof((array)[0]))

enum mir_kind {
    MIR_OK = 0,
    MIR_FAILED,   /* an operation failed for a reason of its own */
    MIR_INTERNAL, /* a bug of ours */
    MIR_USAGE,    /* the request makes no sense: bad argument, missing input */
    MIR_NOT_FOUND,
    MIR_CREDENTIALS,
    MIR_POLICY,      /* refused: budget, quota, protected, kernel said not to boot there */
    MIR_CONFLICT,    /* name taken, precondition failed, lock held by another */
    MIR_TIMEOUT,     /* the wait ended; the thing itself may be live */
    MIR_UNAVAILABLE, /* provider or daemon not reachable */
    MIR_THROTTLED,
    MIR_PARTIAL, /* something billable may be left; the text names it */
    MIR_INTERRUPTED,
    MIR_NO_SPACE, /* disk full, quota of the file system */
    MIR_CORRUPT,  /* a file or an answer is not what it has to be */
    MIR_KIND_COUNT
};

/* What is known of the thing that was attempted. Everything but a definite refusal is UNKNOWN. */
enum mir_outcome { MIR_DID_NOT_HAPPEN = 0, MIR_HAPPENED, MIR_OUTCOME_UNKNOWN };

enum mir_retry { MIR_RETRY_NEVER = 0, MIR_RETRY_TRANSIENT, MIR_RETRY_THROTTLED, MIR_RETRY_SERVER };

struct mir_error {
    enum mir_kind kind;
    int sys_errno;   /* 0 when no system call failed */
    int http_status; /* of the provider's answer; 0 when there was none */
    enum mir_outcome outcome;
    enum mir_retry retry;
    char provider[24];      /* whose answer or whose business it is; "" nobody's */
    char provider_code[64]; /* the provider's own word for it, "" when none */
    char request_id[64];    /* the provider's, "" when none */
    char text[640];         /* one sentence: the thing and the reason */
    char hint[320];         /* one sentence: the fix; "" when there is none to give */
};

/* One row per kind: the only place where kinds meet names, statuses and exit codes. */
struct mir_kind_info {
    const char *name;  /* stable, lower case with dashes: the `code` of a problem document */
    const char *title; /* for people */
    int http_status;   /* of our REST answer */
    int exit_code;     /* of the command line */
};

/* Never NULL; a kind out of range answers as MIR_INTERNAL. */
const struct mir_kind_info *mir_kind_info(enum mir_kind kind);

/* The kind of that name, MIR_FAILED when there is none: what a client makes of a `code`. */
enum mir_kind mir_kind_by_name(const char *name);

/* Fill *err and return -1, so that `return mir_fail(...)` is the whole error path. */
int mir_fail(struct mir_error *err, enum mir_kind kind, const char *fmt, ...) MIR_PRINTF(3, 4);

/* The same for a failed system call: appends ": " and the text of `sys_errno`, and chooses the
 * kind from it (ENOENT: not found; ENOSPC, EDQUOT, EFBIG: no space; EACCES, EPERM: policy; else
 * failed). */
int mir_fail_errno(struct mir_error *err, int sys_errno, const char *fmt, ...) MIR_PRINTF(3, 4);

/* Put "context: " in front of the text. Returns -1. */
int mir_error_wrap(struct mir_error *err, const char *fmt, ...) MIR_PRINTF(2, 3);

/* Set the hint (replaces an earlier one). Returns -1. */
int mir_error_hint(struct mir_error *err, const char *fmt, ...) MIR_PRINTF(2, 3);

#endif
