/* SPDX-License-Identifier: ISC */
#include "qemu.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"
#include "api/process.h"
#include "dir.h"
#include "run.h"

#define QEMU_FILE "qemu.json"
#define ASK_LIMIT_MS 5000

/* The kept answer, when it is about this very binary. */
static int kept(int root_fd, struct local_qemu *qemu)
{
    char path[LOCAL_FD_PATH];
    mir_auto_free char *text = NULL;
    size_t len;
    local_fd_path(root_fd, QEMU_FILE, path);
    if (mir_file_read(path, LOCAL_JSON_MAX, &text, &len, NULL))
        return 0;
    json_t *json = mir_json_parse(text, len, LOCAL_JSON_MAX, NULL);
    const char *program, *version;
    json_int_t mtime_ns;
    int sandbox;
    int same = !json_unpack_ex(json, NULL, JSON_STRICT, "{s:s,s:I,s:s,s:b}", "path", &program,
                               "mtime_ns", &mtime_ns, "version", &version, "sandbox", &sandbox) &&
               !strcmp(program, qemu->path) && mtime_ns == qemu->mtime_ns &&
               !mir_copy(qemu->version, sizeof qemu->version, version);
    if (same)
        qemu->sandbox = sandbox;
    json_decref(json);
    return same;
}

/* Losing the answer only means asking again. */
static void keep(int root_fd, const struct local_qemu *qemu)
{
    json_t *json =
        json_pack("{s:s,s:I,s:s,s:b}", "path", qemu->path, "mtime_ns", (json_int_t)qemu->mtime_ns,
                  "version", qemu->version, "sandbox", (int)qemu->sandbox);
    mir_auto_free char *text = mir_json_text(json);
    json_decref(json);
    mir_file_write_at(root_fd, QEMU_FILE, text, strlen(text), 0600, NULL);
}

/* "QEMU emulator version 7.2.22 (Debian ...)" */
static int read_version(const char *text, char *ret, size_t size)
{
    static const char before[] = "version ";
    const char *p = strstr(text, before);
    if (!p)
        return -1;
    p += sizeof before - 1;
    size_t len = strcspn(p, " \n");
    if (len == 0 || len >= size)
        return -1;
    memcpy(ret, p, len);
    ret[len] = '\0';
    return 0;
}

/* A QEMU without its sandbox refuses the option before it comes to the version. */
static int ask(int root_fd, struct local_qemu *qemu, bool sandbox, struct mir_error *err)
{
    char sandbox_option[] = "-sandbox", on[] = "on", version_option[] = "-version";
    char *with[] = {qemu->path, sandbox_option, on, version_option, NULL};
    char *without[] = {qemu->path, version_option, NULL};
    mir_auto_buf struct mir_buf out;
    mir_buf_init(&out, 4096);
    int status = 0;
    if (local_run(root_fd, sandbox ? with : without, ASK_LIMIT_MS, -1, &out, &status, err))
        return -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
        read_version(mir_buf_text(&out), qemu->version, sizeof qemu->version))
        return mir_fail(err, MIR_UNAVAILABLE, "%s does not tell its version", qemu->path);
    qemu->sandbox = sandbox;
    return 0;
}

int local_qemu_find(int root_fd, const char *name, struct local_qemu *ret, struct mir_error *err)
{
    struct local_qemu qemu = {0};
    struct stat st;
    mir_auto_free char *path = mir_program_search(name, NULL);
    if (!path || stat(path, &st) || mir_copy(qemu.path, sizeof qemu.path, path)) {
        mir_fail(err, MIR_UNAVAILABLE, "QEMU (%s) is not installed", name);
        mir_error_hint(err, "apt-get install qemu-system-x86, or name it with [local] qemu =");
        return -1;
    }
    qemu.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    if (!kept(root_fd, &qemu)) {
        if (ask(root_fd, &qemu, true, NULL) && ask(root_fd, &qemu, false, err))
            return -1;
        keep(root_fd, &qemu);
    }
    *ret = qemu;
    return 0;
}
