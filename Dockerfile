# docker build -t segeval .                              light: scores on the CPU
# docker build -t segeval:torch --build-arg EXTRAS=[torch] .     with torch: a GPU is used where the container sees one
# docker run --rm -v "$PWD:/data" segeval score pred/ gt/
FROM python:3.12-slim
ARG EXTRAS=""
COPY . /src
RUN python -m pip install --no-cache-dir "/src${EXTRAS}" && rm -rf /src
WORKDIR /data
ENTRYPOINT ["segeval"]
