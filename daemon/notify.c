/* SPDX-License-Identifier: ISC */
#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "daemon/http_server.h"

void mird_notify(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (*path != '/' && *path != '@') ||
        mir_copy(address.sun_path, sizeof address.sun_path, path))
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (*path == '@')
        address.sun_path[0] = '\0';
    mir_auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
}

void mird_ready_fd(int fd, const struct mir_error *err)
{
    if (fd < 0)
        return;
    if (!err) {
        mir_write_all(fd, "ready\n", 6);
    } else {
        /* The same document that the socket would have answered with. */
        struct mird_http_request request = {.id = ""};
        struct mird_http_response response = {0};
        mird_http_problem(&request, &response, 0, err);
        mir_write_all(fd, response.owned, response.len);
        mir_write_all(fd, "\n", 1);
        mird_http_response_clear(&response);
    }
    close(fd);
}
