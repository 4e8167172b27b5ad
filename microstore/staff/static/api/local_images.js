// Redoc shows a picture of another site, which would then know who reads this page: it gets none instead.
{
  const { get, set, ...rest } = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
  const { setAttribute } = HTMLImageElement.prototype;
  const local = (address) => (new URL(address, location).origin === location.origin ? address : "data:,");

  Object.defineProperty(HTMLImageElement.prototype, "src", {
    ...rest,
    get,
    set(address) {
      set.call(this, local(address));
    },
  });
  HTMLImageElement.prototype.setAttribute = function (name, value) {
    setAttribute.call(this, name, name === "src" ? local(value) : value);
  };
}
