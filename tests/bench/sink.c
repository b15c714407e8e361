/* SPDX-License-Identifier: ISC */
/*
 * sink: a server on a free port of the loopback that throws away what it is sent and says that all
 * is well, as EBS direct and S3 would (multipart uploads included). Prints its port, and ends with
 * its standard input. One thread per connection; of a body nothing is copied.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(int fd, int status, const char *headers, const char *body)
{
    char text[2048];
    int len = snprintf(text, sizeof text, "HTTP/1.1 %d OK\r\nContent-Length: %zu\r\n%s\r\n%s",
                       status, strlen(body), headers, body);
    if (send(fd, text, (size_t)len, MSG_NOSIGNAL) < 0)
        perror("sink");
}

static void answer(int fd, const char *head)
{
    static const char tag[] = "ETag: \"d41d8cd98f00b204e9800998ecf8427e\"\r\n";
    int completion = strstr(head, "/snapshots/completion/") != NULL;
    if (!strncmp(head, "PUT /snapshots/", 15))
        say(fd, 201, "", "");
    else if (!strncmp(head, "POST ", 5) && completion)
        say(fd, 202, "", "{\"Status\":\"pending\"}");
    else if (!strncmp(head, "POST ", 5) && strstr(head, "?uploads"))
        say(fd, 200, "",
            "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId>"
            "</InitiateMultipartUploadResult>");
    else if (!strncmp(head, "POST ", 5))
        say(fd, 200, "",
            "<CompleteMultipartUploadResult><Location>l</Location><Bucket>b</Bucket><Key>k</Key>"
            "<ETag>\"x-1\"</ETag></CompleteMultipartUploadResult>");
    else
        say(fd, 200, tag, "");
}

/* What a header with a number says; 0: it is not there. */
static size_t number_of(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);
    return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

/* One request; -1: the connection is over. */
static int serve_one(int fd, char *buffer, size_t room, size_t *have)
{
    char *end = NULL;
    while (!(end = memmem(buffer, *have, "\r\n\r\n", 4))) {
        ssize_t n = *have < room - 1 ? recv(fd, buffer + *have, room - 1 - *have, 0) : -1;
        if (n <= 0)
            return -1;
        *have += (size_t)n;
    }
    *end = '\0';
    if (strcasestr(buffer, "\r\nExpect: 100")) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        send(fd, go_on, sizeof go_on - 1, MSG_NOSIGNAL);
    }
    size_t used = (size_t)(end + 4 - buffer), body = number_of(buffer, "\r\nContent-Length: ");
    size_t there = *have - used < body ? *have - used : body;
    for (size_t left = body - there; left > 0;) {
        ssize_t n = recv(fd, NULL, left, MSG_TRUNC);
        if (n <= 0)
            return -1;
        left -= (size_t)n;
    }
    answer(fd, buffer);
    *have -= used + there;
    memmove(buffer, buffer + used + there, *have);
    return 0;
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    size_t room = 65536, have = 0;
    char *buffer = malloc(room);
    while (buffer && !serve_one(fd, buffer, room, &have))
        ;
    free(buffer);
    close(fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    int listener = (int)(intptr_t)arg;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        pthread_t thread;
        if (fd >= 0 && !pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd))
            pthread_detach(thread);
    }
    return NULL;
}

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread;
    char byte;
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) ||
        listen(listener, 512) || getsockname(listener, (struct sockaddr *)&at, &len) ||
        pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener)) {
        perror("sink");
        return 1;
    }
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    return 0;
}
