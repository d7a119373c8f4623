FROM python:3.12-slim AS build
WORKDIR /src
COPY . .
RUN pip install --no-cache-dir --prefix=/install ".[espeak,postgres,cluster]"

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 voice
COPY --from=build /install /usr/local
USER voice
WORKDIR /home/voice
VOLUME /home/voice/var
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["voice-hitl"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8080", "--data", "/home/voice/var"]
