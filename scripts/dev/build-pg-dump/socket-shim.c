/*
 * The socket of libpq inside WebAssembly: five JavaScript functions on Module (see postgres/pg-dump.ts).
 * It is non-blocking: libpq reads on greedily once a message has passed 32 kB, so recv() must answer EAGAIN and never
 * wait. Only poll() waits, and it is the one place where the WebAssembly stack is suspended (asyncify).
 */
#include <emscripten.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

/* resolves once there is data or the end of the stream */
EM_ASYNC_JS(int, holdfast_wait, (void), { await Module.socketWait(); return 1; });
EM_JS(void, holdfast_write, (const char *data, int size), { Module.socketWrite(HEAPU8.slice(data, data + size)); });
EM_JS(int, holdfast_readable, (void), { return Module.socketReadable() ? 1 : 0; });
EM_JS(int, holdfast_take, (char *target, int max), {
  const bytes = Module.socketTake(max);
  HEAPU8.set(bytes, target);
  return bytes.length;
});

ssize_t holdfast_recv(int fd, void *buffer, size_t size, int flags)
{
  if (!holdfast_readable())
  {
    errno = EAGAIN;
    return -1;
  }
  return holdfast_take(buffer, size);
}

ssize_t holdfast_send(int fd, const void *buffer, size_t size, int flags)
{
  holdfast_write(buffer, size);
  return size;
}

int holdfast_poll(struct pollfd *fds, nfds_t count, int timeout)
{
  fds->revents = fds->events & POLLOUT;
  if (fds->events & POLLIN)
  {
    if (!holdfast_readable() && !fds->revents && timeout != 0)
      holdfast_wait();
    if (holdfast_readable())
      fds->revents |= POLLIN;
  }
  return fds->revents ? 1 : 0;
}

int holdfast_socket(int domain, int type, int protocol)
{
  return open("/dev/null", O_RDWR);
}

int holdfast_connect(int fd, const struct sockaddr *address, socklen_t size)
{
  return 0;
}

int holdfast_getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
  if (value && size)
    memset(value, 0, *size);
  return 0;
}

int holdfast_setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
  return 0;
}

int holdfast_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
  memset(address, 0, *size);
  address->sa_family = AF_UNIX;
  *size = sizeof(address->sa_family);
  return 0;
}
