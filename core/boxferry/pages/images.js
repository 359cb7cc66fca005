// The images of a page: those that are in it, or the parts that its server sends one after the other.

export class Images {
  constructor(data) {
    this.data = data;
    this.all = data.images || [];
    this.whole = !data.parts;
    this.all.forEach((image, at) => (image.at = at));
  }

  // Get what the page does not have yet; `came` is called after each part.
  async load(came) {
    for (const part of this.data.parts || []) {
      const answer = await fetch(part);
      if (!answer.ok) throw new Error(`${part}: ${answer.status}`);
      for (const image of await answer.json()) {
        image.at = this.all.length;
        this.all.push(image);
      }
      came();
    }
    this.whole = true;
    came();
  }

  small(image) {
    return this.data.parts ? (image.p ? `thumb/${image.i}` : "") : image.p || "";
  }

  large(image) {
    return this.data.parts ? (image.p ? `image/${image.i}` : "") : image.p || "";
  }
}
