// A page opened from disk may start no worker and read no JSON: the index comes as a script then, and is searched here.
if (location.protocol === "file:") {
  const load = (name) =>
    new Promise((done) => {
      const script = document.createElement("script");
      script.src = `${base_url}/search/${name}`;
      script.onload = done;
      document.head.append(script);
    });

  window.Worker = class {
    async postMessage({ init, query }) {
      if (init) {
        await load("lunr.js");
        await load("search_index.js");
        const { config, docs } = searchIndex;
        lunr.tokenizer.separator = new RegExp(config.separator);
        this.pages = new Map(docs.map((one) => [one.location, one]));
        this.index = lunr(function () {
          this.ref("location");
          this.field("title");
          this.field("text");
          docs.forEach((one) => this.add(one));
        });
        this.onmessage({ data: { config } });
        this.onmessage({ data: { allowSearch: true } });
      } else if (query) {
        const found = this.index.search(query).map(({ ref }) => this.pages.get(ref));
        this.onmessage({ data: { results: found.map((one) => ({ ...one, summary: one.text.substring(0, 200) })) } });
      }
    }
  };
}
