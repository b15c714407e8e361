/* SPDX-License-Identifier: ISC */
#include "local_target.h"

#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "dir.h"
#include "local/provider.h"
#include "status.h"

static char state_dir[64];

/* --- guests: an ELF32 with a multiboot header; all print the banner first --- */

#define LOAD_ADDRESS 0x100000
#define CODE_OFFSET 96  /* after the ELF and multiboot headers */
#define TEXT_OFFSET 256 /* of the banner */

static const unsigned char say[] = {
    0xbe, 0x00, 0x01, 0x10, 0x00, /*       mov esi, LOAD_ADDRESS + TEXT_OFFSET */
    0xac,                         /* next: lodsb */
    0x84, 0xc0,                   /*       test al, al */
    0x74, 0x07,                   /*       jz done */
    0x66, 0xba, 0xf8, 0x03,       /*       mov dx, 0x3f8 */
    0xee,                         /*       out dx, al */
    0xeb, 0xf4,                   /*       jmp next */
};
static const unsigned char idle[] = {0xf4, 0xeb, 0xfd}; /* hlt; jmp */
static const unsigned char echo[] = {
    0x66, 0xba, 0xfd, 0x03, /* wait: mov dx, 0x3fd */
    0xec,                   /*       in al, dx */
    0xa8, 0x01,             /*       test al, 1 */
    0x74, 0xf7,             /*       jz wait */
    0x66, 0xba, 0xf8, 0x03, /*       mov dx, 0x3f8 */
    0xec,                   /*       in al, dx */
    0xee,                   /*       out dx, al */
    0xeb, 0xef,             /*       jmp wait */
};
static const unsigned char leave[] = {
    0x66, 0xba, 0x01, 0x05, /* mov dx, 0x501 */
    0xb0, 0x05,             /* mov al, 5 */
    0xee, 0xf4,             /* out dx, al; hlt */
};
static const unsigned char poweroff[] = {
    0x66, 0xba, 0x04, 0x06,      /* mov dx, 0x604: PM1 control of the pc machine */
    0x66, 0xb8, 0x00, 0x20,      /* mov ax, 0x2000: S5 */
    0x66, 0xef, 0xf4, 0xeb, 0xfd /* out dx, ax; hlt; jmp */
};
static const unsigned char reset[] = {
    0x0f, 0x01, 0x1d, 0x80, 0x01, 0x10, 0x00, /* lidt [LOAD_ADDRESS + 384]: zeros */
    0xcc,                                     /* int3: the third fault */
};
static const unsigned char again[] = {0xeb, 0xed}; /* jmp to the start of `say` */

#define PART(bytes)                                                                                \
    {                                                                                              \
        bytes, sizeof bytes                                                                        \
    }
static const struct {
    const unsigned char *code;
    size_t len;
} parts[GUEST_COUNT] = {
    [GUEST_IDLE] = PART(idle),         [GUEST_ECHO] = PART(echo),   [GUEST_EXIT] = PART(leave),
    [GUEST_POWEROFF] = PART(poweroff), [GUEST_RESET] = PART(reset), [GUEST_FLOOD] = PART(again)};

static void put32(unsigned char *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof v);
}

static void put16(unsigned char *p, uint16_t v)
{
    v = htole16(v);
    memcpy(p, &v, sizeof v);
}

static void make_guest(unsigned char file[512], enum conformance_guest guest)
{
    static const unsigned char magic[] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
    memset(file, 0, 512);
    memcpy(file, magic, sizeof magic);
    put16(file + 16, 2); /* executable */
    put16(file + 18, 3); /* i386 */
    put32(file + 20, 1);
    put32(file + 24, LOAD_ADDRESS + CODE_OFFSET); /* entry */
    put32(file + 28, 52);                         /* program headers */
    put16(file + 40, 52);
    put16(file + 42, 32);
    put16(file + 44, 1);
    put32(file + 52, 1); /* one segment: the file as it is */
    put32(file + 60, LOAD_ADDRESS);
    put32(file + 64, LOAD_ADDRESS);
    put32(file + 68, 512);
    put32(file + 72, 512);
    put32(file + 76, 7);
    put32(file + 84, 0x1BADB002);
    put32(file + 92, -0x1BADB002U);
    memcpy(file + CODE_OFFSET, say, sizeof say);
    memcpy(file + CODE_OFFSET + sizeof say, parts[guest].code, parts[guest].len);
    memcpy(file + TEXT_OFFSET, CONFORMANCE_BANNER, sizeof CONFORMANCE_BANNER);
}

static void describe(enum conformance_guest guest, struct mir_instance_spec *spec)
{
    /* The case that spec belongs to holds both; they are only borrowed as const by the spec. */
    struct mir_kernel *kernel = (struct mir_kernel *)(uintptr_t)spec->kernel;
    char *path = (char *)(uintptr_t)spec->kernel_path;
    unsigned char file[512];
    snprintf(path, 512, "%s/guest%d.elf", state_dir, (int)guest);
    /* Not by mir_file_write_at: its fault points are not the ones under test. */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    make_guest(file, guest);
    if (fd < 0 || mir_write_all(fd, file, sizeof file))
        abort();
    close(fd);
    *kernel = (struct mir_kernel){.bytes = sizeof file,
                                  .unpacked_bytes = sizeof file,
                                  .format = MIR_FORMAT_MULTIBOOT1,
                                  .arch = MIR_ARCH_I386,
                                  .boot_ways = MIR_BOOT_MULTIBOOT1,
                                  .min_memory_bytes = (uint64_t)4 << 20,
                                  .boots_count = 1};
    kernel->takes_part = guest == GUEST_ECHO ? MIR_PART_CONSOLE_DEADLINE : 0;
    kernel->boots[0] = (struct mir_boots){.provider = "local",
                                          .verdict = MIR_VERDICT_BOOTS,
                                          .how = "qemu-kernel",
                                          .why = "a multiboot kernel"};
    spec->memory_bytes = (uint64_t)16 << 20;
    mir_copy(spec->arguments, sizeof spec->arguments, "token=not-for-ps deadline=1");
}

/* --- the truth: the table of processes --- */

/* 1 when the process's arguments hold `-name mirage-NAME`. */
static int is_guest(const char *pid, const char *name)
{
    char path[300], wanted[MIR_NAME_TEXT + 16];
    mir_auto_free char *text = NULL;
    size_t len = 0;
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    int n = snprintf(wanted, sizeof wanted, "mirage-%s", name);
    if (mir_file_read(path, 65536, &text, &len, NULL))
        return 0;
    return memmem(text, len, wanted, (size_t)n + 1) != NULL;
}

unsigned local_target_running(const char *name)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc");
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strspn(e->d_name, "0123456789") == strlen(e->d_name))
            count += (unsigned)is_guest(e->d_name, name);
    closedir(dir);
    return count;
}

static void kill_guard(const char *token)
{
    mir_auto_free char *path = mir_format("%s/local/%s", state_dir, token);
    mir_auto_close int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct local_status status;
    if (local_status_load(dir_fd, &status, NULL) || kill(status.keeper.pid, SIGKILL))
        abort();
}

/* A configuration with one line, made through a file as a user's is. */
static struct mir_config *configure(const char *accelerator)
{
    struct mir_config *config = NULL;
    mir_auto_free char *path = mir_format("%s/config-%ld", state_dir, (long)getpid());
    mir_auto_free char *text = mir_format("[local]\naccelerator = %s\n", accelerator);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || mir_write_all(fd, text, strlen(text)) ||
        mir_config_load_file(path, &config, NULL))
        abort();
    close(fd);
    return config;
}

void local_target_attach(struct conformance_target *ret, const char *dir, const char *accelerator)
{
    mir_copy(state_dir, sizeof state_dir, dir);
    *ret = (struct conformance_target){
        .provider = &mir_provider_local,
        .env = {.config = configure(accelerator),
                .state_dir = state_dir,
                .installation = "0123456789abcdef0123456789abcdef",
                .clock = mir_clock_system()},
        .describe = describe,
        .running = local_target_running,
        .ports = true,
        .console = true,
        .first_output = true,
        .armed_by_create = true,
        .deadline_reason = "deadline",
        .reasons =
            {[GUEST_EXIT] = "status 5", [GUEST_POWEROFF] = "powered off", [GUEST_RESET] = "reset"},
        .kill_guard = kill_guard,
        .look_ms = 20,
        .lease_s = 2,
        .gone_s = 5,
    };
}

int local_target_open(struct conformance_target *ret, const char *accelerator)
{
    char dir[sizeof state_dir] = "/tmp/mirage-conformance-XXXXXX";
    if (access("/usr/bin/qemu-system-x86_64", X_OK)) {
        printf("1..0 # SKIP qemu-system-x86_64 is not installed\n");
        return 77;
    }
    if (!mkdtemp(dir))
        return 1;
    local_target_attach(ret, dir, accelerator);
    return 0;
}

void local_target_close(struct conformance_target *target)
{
    mir_config_free((struct mir_config *)(uintptr_t)target->env.config);
    mir_dir_remove_at(AT_FDCWD, state_dir, NULL);
}
