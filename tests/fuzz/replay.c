/* SPDX-License-Identifier: ISC */
/*
 * replay CORPUS: a fuzz target without a fuzzer. Every file of the corpus as it is, then with
 * changes (CHANGES for the whole corpus), and RANDOM inputs of no corpus; the same ones in every
 * run. Speaks TAP; when the target aborts, the input is named on stderr and stands in
 * ./replay-crash-PID.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"

enum { CHANGES = 4000, RANDOM = 500, RANDOM_BYTES = 512, FILE_BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const char *name; /* of the file it was made of */
    int change;       /* 0: as it is */
    uint8_t *bytes;   /* owned */
    size_t size;
};

static struct input now;
static size_t fed;

/* Marsaglia's xorshift64: the numbers have to be the same everywhere. */
static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void keep_it(int signal_number)
{
    char text[PATH_MAX + 96];
    char path[64];
    snprintf(path, sizeof path, "replay-crash-%ld", (long)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && write(fd, now.bytes, now.size) == (ssize_t)now.size)
        close(fd);
    int length =
        snprintf(text, sizeof text, "# %s, change %d: kept in %s\n", now.name, now.change, path);
    if (write(STDERR_FILENO, text, (size_t)length) < 0)
        _exit(2);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* In a block of the very size, so that what is read beyond it is noticed. */
static void feed(const char *name, int change, const uint8_t *bytes, size_t size)
{
    now = (struct input){name, change, mir_calloc(1, size), size};
    if (size)
        memcpy(now.bytes, bytes, size);
    fed++;
    LLVMFuzzerTestOneInput(now.bytes, now.size);
    free(now.bytes);
}

static void flip_bit(uint8_t *bytes, size_t *size, uint64_t where, uint64_t how)
{
    bytes[where % *size] ^= (uint8_t)(1U << (how % 8));
}

static void set_byte(uint8_t *bytes, size_t *size, uint64_t where, uint64_t how)
{
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff, '"', '\\', '\n'};
    bytes[where % *size] = values[how % sizeof values];
}

static void cut_off(uint8_t *bytes, size_t *size, uint64_t where, uint64_t how)
{
    (void)bytes;
    (void)how;
    *size = where % *size;
}

static void take_out(uint8_t *bytes, size_t *size, uint64_t where, uint64_t how)
{
    size_t from = where % *size;
    size_t length = 1 + how % (*size - from);
    memmove(bytes + from, bytes + from + length, *size - from - length);
    *size -= length;
}

static void copy_over(uint8_t *bytes, size_t *size, uint64_t where, uint64_t how)
{
    size_t to = where % *size, from = how % *size;
    size_t room = *size - (to > from ? to : from);
    memmove(bytes + to, bytes + from, room < 16 ? room : 16);
}

/* One to four changes; *size is what is left of bytes. */
static void change(uint8_t *bytes, size_t *size, uint64_t *state)
{
    static void (*const ways[])(uint8_t *, size_t *, uint64_t, uint64_t) = {
        flip_bit, set_byte, cut_off, take_out, copy_over,
    };
    for (uint64_t left = 1 + next_number(state) % 4; left && *size; left--) {
        uint64_t way = next_number(state) % MIR_NELEMS(ways), where = next_number(state);
        ways[way](bytes, size, where, next_number(state));
    }
}

static int feed_file(const char *folder, const char *name, int changes)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    mir_auto_free char *text = NULL;
    size_t size = 0;
    struct mir_error err = {0};
    if (mir_file_read(path, FILE_BYTES_MAX, &text, &size, &err)) {
        printf("Bail out! %s\n", err.text);
        return -1;
    }
    feed(name, 0, (const uint8_t *)text, size);
    mir_auto_free char *changed = mir_calloc(1, size + 1);
    uint64_t state = 0x9e3779b97f4a7c15 ^ size;
    for (int i = 1; size && i <= changes; i++) {
        size_t left = size;
        memcpy(changed, text, size);
        change((uint8_t *)changed, &left, &state);
        feed(name, i, (const uint8_t *)changed, left);
    }
    return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
    return *entry->d_name != '.';
}

static int feed_corpus(const char *folder)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_visible, by_name);
    int rc = 0;
    for (int i = 0; i < count; i++) {
        if (!rc)
            rc = feed_file(folder, names[i]->d_name, CHANGES / count);
        free(names[i]);
    }
    free(names);
    return rc;
}

static void feed_random(void)
{
    uint8_t bytes[RANDOM_BYTES];
    uint64_t state = 0x2545f4914f6cdd1d;
    for (int i = 1; i <= RANDOM; i++) {
        size_t size = next_number(&state) % RANDOM_BYTES;
        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)next_number(&state);
        feed("random", i, bytes, size);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "use: replay CORPUS\n");
        return 2;
    }
    signal(SIGABRT, keep_it);
    signal(SIGSEGV, keep_it);
    if (feed_corpus(argv[1]))
        return 1;
    feed_random();
    printf("ok 1 - %zu inputs\n1..1\n", fed);
    return 0;
}
